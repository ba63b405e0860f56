/* Runs a fuzz target over files: usage: replay_TARGET FOLDER… */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

static uint8_t *read_file(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "re");
    fuzz_check(f != NULL, path);
    uint8_t *data = NULL;
    size_t len = 0;
    for (size_t n = 1; n > 0; len += n) {
        data = realloc(data, len + 65536);
        fuzz_check(data != NULL, "out of memory");
        n = fread(data + len, 1, 65536, f);
    }
    fclose(f);
    *ret_len = len;
    return data;
}

static unsigned replay_folder(const char *folder)
{
    struct dirent **names;
    unsigned n_run = 0;
    int n = scandir(folder, &names, NULL, alphasort);
    fuzz_check(n >= 0, folder);
    for (int i = 0; i < n; i++) {
        char path[4096];
        size_t len;
        if (names[i]->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
            uint8_t *data = read_file(path, &len);
            LLVMFuzzerTestOneInput(data, len);
            free(data);
            n_run++;
        }
        free(names[i]);
    }
    free(names);
    return n_run;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    for (int i = 1; i < argc; i++)
        n += replay_folder(argv[i]);
    printf("%u inputs\n", n);
    return n > 0 ? 0 : 1;
}
