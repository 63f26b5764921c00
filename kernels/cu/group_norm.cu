// Normalisation of groups of channels over all frames.

#include "common.cuh"

constexpr int THREADS = 256;
constexpr float EPSILON = 1e-5f;

// Statistics over all frames and the channels of a group (Wu & He, "Group normalization", 2018); then
// scale[c] and shift[c]. x and y are [frames, groups * size], a block per group. x may be y: a thread
// writes what it alone has read.
extern "C" __global__ void __launch_bounds__(THREADS)
    group_norm(const float* x, int frames, int size, const float* scale, const float* shift, float* y) {
    __shared__ float shared[THREADS / WARP];
    const int channels = gridDim.x * size, first = blockIdx.x * size, count = frames * size;
    const auto place = [&](int n) { return n / size * channels + first + n % size; };
    float sum = 0.0f;
    for (int n = threadIdx.x; n < count; n += THREADS) sum += x[place(n)];
    const float mean = block_sum<THREADS>(sum, shared) / count;
    float squares = 0.0f;
    for (int n = threadIdx.x; n < count; n += THREADS) {
        const float off = x[place(n)] - mean;
        squares = fmaf(off, off, squares);
    }
    const float variance = block_sum<THREADS>(squares, shared) / count;
    const float by = 1.0f / sqrtf(variance + EPSILON);
    for (int n = threadIdx.x; n < count; n += THREADS) {
        const int at = place(n), c = first + n % size;
        y[at] = (x[at] - mean) * by * scale[c] + shift[c];
    }
}
