// The non-linear functions of networks where no product ends in them. A thread per value.

#include "common.cuh"

// y[n] = activation(x[n]); x may be y.
extern "C" __global__ void __launch_bounds__(256)
    activation(const float* x, int count, int kind, float slope, float* y) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x;
    if (n < count) y[n] = activate(kind, slope, x[n]);
}

// y[r, c] = activation(x[r, c] + offset[c]) in rows of `width` values; x may be y.
extern "C" __global__ void __launch_bounds__(128)
    activation_shifted(const float* x, int width, const float* __restrict__ offset, int kind, float slope,
                       float* y) {
    const int c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= width) return;
    const long long at = static_cast<long long>(blockIdx.x) * width + c;
    y[at] = activate(kind, slope, x[at] + offset[c]);
}

// The gate of WaveNet (van den Oord et al., 2016): y[f, c] = tanh(a + offset[c]) * sigmoid(b +
// offset[size + c]), where frame f of x holds `size` values a and as many b. `offset` may be null.
extern "C" __global__ void __launch_bounds__(128)
    gate(const float* __restrict__ x, int size, const float* __restrict__ offset, float* __restrict__ y) {
    const int f = blockIdx.x, c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= size) return;
    const float* from = x + static_cast<long long>(f) * 2 * size;
    float a = from[c], b = from[size + c];
    if (offset) a += offset[c], b += offset[size + c];
    y[static_cast<long long>(f) * size + c] = tanhf(a) * sigmoid(b);
}
