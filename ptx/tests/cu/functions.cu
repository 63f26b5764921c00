extern "C" __constant__ float taps[5] = {0.5f, -1.0f, 2.0f, 0.25f, 4.0f};
__constant__ int places[3] = {7, 1, 4};
__device__ float scale = 3.0f;
__device__ int calls;
__device__ int* where = &calls;

struct Options {
    int count;
    float gain;
    double offset;
    short shape[3];
};

// A structure as argument.
extern "C" __global__ void options(Options o, float* out) {
    out[threadIdx.x] = o.gain * threadIdx.x + (float)o.offset + o.shape[threadIdx.x % 3] + o.count;
}

__device__ __noinline__ float helper(float x, int* calls) {
    *calls += 1;
    float kept[4];
    for (int i = 0; i < 4; i++) {
        kept[i] = x * i;
    }
    return kept[((int)x) & 3] + 1.0f;
}

// Calls of a function that writes through a pointer to local memory.
extern "C" __global__ void called(const float* x, float* out, int* counts) {
    int calls = 0;
    float value = helper(x[threadIdx.x], &calls);
    value += helper(value, &calls);
    out[threadIdx.x] = value;
    counts[threadIdx.x] = calls;
}

// Constants, variables, and an array in local memory that is indexed.
extern "C" __global__ void variables(float* out) {
    float local[8];
    for (int i = 0; i < 8; i++) {
        local[i] = taps[i % 5] * i;
    }
    out[threadIdx.x] = local[places[threadIdx.x % 3]] * scale;
    atomicAdd(where, 1);
}

// What a dynamic size and a switch come to.
extern "C" __global__ void choices(const int* x, int* out, int n) {
    extern __shared__ int held[];
    held[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    int value = held[(threadIdx.x + 1) % n];
    switch (value) {
        case 0: value = 5; break;
        case 1: value = value / 3 - 7; break;
        case 2: value = value % 5 * 3; break;
        case 3: value = -value; break;
        case 4: value = value << 7; break;
        case 5: value = __popc(value); break;
        case 6: value = 1000 / value; break;
        case 7: value = __clz(value); break;
        default: value = value * value; break;
    }
    out[threadIdx.x] = value;
}
