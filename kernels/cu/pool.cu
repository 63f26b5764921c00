// What becomes of neighbouring frames that are made one.

#include "common.cuh"

// y[f, c] is the greater of scale[c] * x[2 f, c] + shift[c] and the same of x[2 f + 1, c]: a normalisation
// with fixed statistics and the maximum behind it. A thread per value of y; neighbours are neighbours in a
// frame.
extern "C" __global__ void __launch_bounds__(128)
    pool_scaled(const float* __restrict__ x, const float* __restrict__ scale, const float* __restrict__ shift,
                float* __restrict__ y, int width) {
    const int c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= width) return;
    const long long f = blockIdx.x;
    const float* from = x + 2 * f * width + c;
    const float a = fmaf(scale[c], from[0], shift[c]), b = fmaf(scale[c], from[width], shift[c]);
    // Not fmaxf, which would hide what is no number behind one that is.
    y[f * width + c] = a > b || a != a ? a : b;
}
