/* A stand-in for NVIDIA's libcuda.so.1: its GPUs are the files in the folder that FAKE_CUDA_NODES names.

   As with the driver a node that cannot be opened for writing is a GPU that is not listed, and one whose file says "full"
   has no memory left. Where FAKE_CUDA_THREADS is set, cuInit names its thread by a file below /proc, and fails without. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int count, full[16], current;
static char names[16][64];

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

int cuInit(unsigned flags) {
  struct dirent **entries;
  char path[4096], said[5];
  if (getenv("FAKE_CUDA_CRASHES")) abort();
  if (getenv("FAKE_CUDA_THREADS")) {
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", getpid());
    int comm = open(path, O_WRONLY);
    if (comm < 0) return 304;
    close(comm);
  }
  int found = scandir(getenv("FAKE_CUDA_NODES"), &entries, NULL, by_name);
  count = 0;
  for (int i = 0; i < found; i++) {
    if (entries[i]->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", getenv("FAKE_CUDA_NODES"), entries[i]->d_name);
    int node = open(path, O_RDWR);
    if (node < 0) continue;
    memset(said, 0, sizeof said);
    full[count] = read(node, said, 4) == 4 && strcmp(said, "full") == 0;
    close(node);
    snprintf(names[count++], sizeof names[0], "Fake %.40s", entries[i]->d_name);
  }
  return count ? 0 : 100;
}
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGetCount(int *n) { *n = count; return 0; }
int cuDeviceGet(int *device, int index) { *device = index; return 0; }
int cuDeviceGetName(char *name, int size, int device) { snprintf(name, size, "%s", names[device]); return 0; }
int cuDeviceGetUuid_v2(char *uuid, int device) { memset(uuid, 0, 16); strncpy(uuid, names[device], 16); return 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = &full[device]; current = device; return 0; }
int cuDevicePrimaryCtxRelease_v2(int device) { return 0; }
int cuCtxSetCurrent(void *context) { return 0; }
int cuMemAlloc_v2(uint64_t *memory, size_t bytes) { *memory = 1; return full[current] ? 2 : 0; }
int cuMemFree_v2(uint64_t memory) { return 0; }
int cuGetErrorName(int code, const char **name) {
  *name = code == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : code == 100 ? "CUDA_ERROR_NO_DEVICE" : "CUDA_ERROR_OPERATING_SYSTEM";
  return 0;
}
int cuGetErrorString(int code, const char **text) { *text = "in the driver's words"; return 0; }
