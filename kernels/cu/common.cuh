// What the kernels share. Sizes and places are `int`: the side that launches refuses slices of 2^31
// values or more.
#pragma once

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

// The numbers are those of `gpu::Activation`.
enum Activation { NONE = 0, RELU = 1, LEAKY_RELU = 2, GELU = 3, TANH = 4, SIGMOID = 5 };

// Minus infinity, by its bits: there is no header of the toolkit.
__device__ inline float lowest() { return __int_as_float(0xff800000); }

__device__ inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

// x, or slope * x below 0. What is no number stays none.
__device__ inline float leaky(float x, float slope) { return x < 0.0f ? slope * x : x; }

// The same branch for all threads of a launch.
__device__ inline float activate(int activation, float slope, float x) {
    switch (activation) {
        case RELU: return leaky(x, 0.0f);
        case LEAKY_RELU: return leaky(x, slope);
        // By the error function itself; 1/sqrt(2).
        case GELU: return 0.5f * x * (1.0f + erff(x * 0.70710678f));
        case TANH: return tanhf(x);
        case SIGMOID: return sigmoid(x);
        default: return x;
    }
}

// The sum over a warp, in every lane.
__device__ inline float warp_sum(float x) {
    for (int lane = WARP / 2; lane > 0; lane /= 2) x += __shfl_xor_sync(ALL_LANES, x, lane);
    return x;
}

__device__ inline float warp_max(float x) {
    for (int lane = WARP / 2; lane > 0; lane /= 2)
        x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, lane));
    return x;
}

// The sum over a block of THREADS, in every thread. All threads call it; `shared` is THREADS / 32
// floats that nobody else uses, and may be used again at once.
template <int THREADS>
__device__ inline float block_sum(float x, float* shared) {
    x = warp_sum(x);
    if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = x;
    __syncthreads();
    float sum = 0.0f;
    for (int warp = 0; warp < THREADS / WARP; ++warp) sum += shared[warp];
    // Nobody writes the next sums before all have read these.
    __syncthreads();
    return sum;
}

template <int THREADS>
__device__ inline float block_max(float x, float* shared) {
    x = warp_max(x);
    if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = x;
    __syncthreads();
    float most = shared[0];
    for (int warp = 1; warp < THREADS / WARP; ++warp) most = fmaxf(most, shared[warp]);
    __syncthreads();
    return most;
}
