/* The program: global options, help, exit codes; everything else is core/'s and fs/'s. */
#pragma once

/* 0 done, 1 refused, 2 usage. */
int pfs_cli_main(int argc, char **argv);
