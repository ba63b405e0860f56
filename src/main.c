#include "cli.h"

int main(int argc, char **argv)
{
    return pfs_cli_main(argc, argv);
}
