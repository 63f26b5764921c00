// C = A B, row by row: A is [m, k], B is [k, n], C is [m, n]. Tiles of 16 x 16 in shared memory.
#define TILE 16

template <bool WAITS>
__device__ void product(const float* __restrict__ a, const float* __restrict__ b, float* c,
                        int m, int n, int k, float (*left)[TILE], float (*right)[TILE]) {
    int row = blockIdx.y * TILE + threadIdx.y;
    int column = blockIdx.x * TILE + threadIdx.x;
    float sum = 0.0f;
    for (int first = 0; first < k; first += TILE) {
        int inner = first + threadIdx.x;
        left[threadIdx.y][threadIdx.x] = row < m && inner < k ? a[row * k + inner] : 0.0f;
        inner = first + threadIdx.y;
        right[threadIdx.y][threadIdx.x] = inner < k && column < n ? b[inner * n + column] : 0.0f;
        __syncthreads();
        for (int i = 0; i < TILE; i++) {
            sum += left[threadIdx.y][i] * right[i][threadIdx.x];
        }
        if (WAITS) {
            __syncthreads();
        }
    }
    if (row < m && column < n) {
        c[row * n + column] = sum;
    }
}

extern "C" __global__ void gemm(const float* a, const float* b, float* c, int m, int n, int k) {
    __shared__ float left[TILE][TILE];
    __shared__ float right[TILE][TILE];
    product<true>(a, b, c, m, n, k, left, right);
}

// Without the barrier before the next tiles are written.
extern "C" __global__ void gemm_racing(const float* a, const float* b, float* c,
                                       int m, int n, int k) {
    __shared__ float left[TILE][TILE];
    __shared__ float right[TILE][TILE];
    product<false>(a, b, c, m, n, k, left, right);
}

// Products of one row of four values at a time, without shared memory.
extern "C" __global__ void rows(const float4* a, const float4* b, float* c, int k) {
    float sum = 0.0f;
    for (int i = 0; i < k / 4; i++) {
        float4 x = a[threadIdx.x * (k / 4) + i];
        float4 y = b[i];
        sum += x.x * y.x + x.y * y.y + x.z * y.z + x.w * y.w;
    }
    c[threadIdx.x] = sum;
}
