/* What the fuzz targets share. Each is built twice: with libFuzzer (clang, -Dfuzz=true), and with replay.c,
 * which runs the corpus and the inputs that once crashed in the ordinary test suite. */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}
