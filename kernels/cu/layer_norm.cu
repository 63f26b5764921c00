// Normalisation of each frame over its channels.

#include "common.cuh"

constexpr int THREADS = 128;
constexpr float EPSILON = 1e-5f;

// y[f, c] = (x[f, c] - mean) / sqrt(variance + 1e-5) * scale[c] + shift[c], a block per frame. x may be
// y: a thread writes what it alone has read. The variance is that of the differences from the mean,
// in a second pass over what the cache holds: sums of squares would lose it where the mean is large.
extern "C" __global__ void __launch_bounds__(THREADS)
    layer_norm(const float* x, int channels, const float* scale, const float* shift, float* y) {
    __shared__ float shared[THREADS / WARP];
    const long long from = static_cast<long long>(blockIdx.x) * channels;
    x += from, y += from;
    float sum = 0.0f;
    for (int c = threadIdx.x; c < channels; c += THREADS) sum += x[c];
    const float mean = block_sum<THREADS>(sum, shared) / channels;
    float squares = 0.0f;
    for (int c = threadIdx.x; c < channels; c += THREADS) {
        const float off = x[c] - mean;
        squares = fmaf(off, off, squares);
    }
    const float variance = block_sum<THREADS>(squares, shared) / channels;
    const float by = 1.0f / sqrtf(variance + EPSILON);
    for (int c = threadIdx.x; c < channels; c += THREADS)
        y[c] = (x[c] - mean) * by * scale[c] + shift[c];
}
