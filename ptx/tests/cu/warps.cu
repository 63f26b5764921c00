// Sums of 32 values, by exchange between lanes.
extern "C" __global__ void lane_sums(const float* x, float* sums) {
    float sum = x[blockIdx.x * blockDim.x + threadIdx.x];
    for (int by = 16; by > 0; by /= 2) {
        sum += __shfl_down_sync(0xffffffffu, sum, by);
    }
    if (threadIdx.x % 32 == 0) {
        sums[(blockIdx.x * blockDim.x + threadIdx.x) / 32] = sum;
    }
}

// Every way to exchange and to vote. out is [8, 32].
extern "C" __global__ void exchange(const int* x, int* out) {
    int lane = threadIdx.x;
    int value = x[lane];
    out[lane] = __shfl_sync(0xffffffffu, value, lane * 5);
    out[32 + lane] = __shfl_up_sync(0xffffffffu, value, 3);
    out[64 + lane] = __shfl_xor_sync(0xffffffffu, value, 9);
    out[96 + lane] = __shfl_down_sync(0xffffffffu, value, 2, 8);
    out[128 + lane] = __ballot_sync(0xffffffffu, value > 10);
    out[160 + lane] = __any_sync(0xffffffffu, value == 7) + 2 * __all_sync(0xffffffffu, value < 99);
    if (lane < 8) {
        out[192 + lane] = __shfl_sync(0xffu, value, 7 - lane);
    } else {
        out[192 + lane] = __ballot_sync(0xffffff00u, lane % 3 == 0);
    }
    out[224 + lane] = __syncthreads_count(value > 10);
}

// Reversed within a warp, by way of shared memory.
extern "C" __global__ void reverse(int* x) {
    __shared__ int held[32];
    held[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    x[threadIdx.x] = held[31 - threadIdx.x];
}

// As if lanes went in lockstep.
extern "C" __global__ void reverse_racing(int* x) {
    __shared__ int held[32];
    held[threadIdx.x] = x[threadIdx.x];
    x[threadIdx.x] = held[31 - threadIdx.x];
}

// The sum of all, one atomic operation a thread; and how many blocks came, of which the last one
// adds a thousand for each.
__device__ unsigned int arrived = 0;
extern "C" __global__ void atomic_sum(const int* x, int* sum, int n) {
    __shared__ int of_block;
    if (threadIdx.x == 0) {
        of_block = 0;
    }
    __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        atomicAdd(&of_block, x[i]);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        atomicAdd(sum, of_block);
        if (atomicInc(&arrived, gridDim.x - 1) == gridDim.x - 1) {
            atomicAdd(sum, 1000 * gridDim.x);
        }
    }
}

// Partial sums, which the block that comes last adds up: written by all, read by one, ordered by
// fences and an atomic counter.
__device__ unsigned int finished = 0;
extern "C" __global__ void last_block(const float* x, float* partial, float* sum) {
    __shared__ bool is_last;
    float value = x[blockIdx.x * 32 + threadIdx.x];
    for (int by = 16; by > 0; by /= 2) {
        value += __shfl_xor_sync(0xffffffffu, value, by);
    }
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = value;
        __threadfence();
        is_last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
        __threadfence();
    }
    __syncthreads();
    if (is_last && threadIdx.x == 0) {
        float whole = 0.0f;
        for (int i = 0; i < gridDim.x; i++) {
            whole += partial[i];
        }
        *sum = whole;
    }
}

// The same without fences.
extern "C" __global__ void last_block_racing(const float* x, float* partial, float* sum) {
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = x[blockIdx.x];
        if (atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1) {
            float whole = 0.0f;
            for (int i = 0; i < gridDim.x; i++) {
                whole += partial[i];
            }
            *sum = whole;
        }
    }
}
