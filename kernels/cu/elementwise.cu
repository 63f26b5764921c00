// What is done to each value by itself, in rows that may lie apart. A thread per value; neighbours are
// neighbours in a row.

#include "common.cuh"

// y[r, c] = a[r, c] * a_factor + b[r, c] * b_factor. b may be null; a and b may be y.
extern "C" __global__ void __launch_bounds__(128)
    combine(const float* a, int a_stride, float a_factor, const float* b, int b_stride, float b_factor,
            float* y, int y_stride, int width) {
    const int r = blockIdx.x, c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= width) return;
    float value = a[r * a_stride + c] * a_factor;
    if (b) value = fmaf(b[r * b_stride + c], b_factor, value);
    y[r * y_stride + c] = value;
}

// y[r, c] = a[r, c] * b[r, c]; a and b may be y.
extern "C" __global__ void __launch_bounds__(128)
    multiply(const float* a, int a_stride, const float* b, int b_stride, float* y, int y_stride, int width) {
    const int r = blockIdx.x, c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c < width) y[r * y_stride + c] = a[r * a_stride + c] * b[r * b_stride + c];
}

// y[r, c] = scale[c] * x[r, c] + shift[c]; x may be y.
extern "C" __global__ void __launch_bounds__(128)
    scale_shift(const float* x, const float* scale, const float* shift, float* y, int width) {
    const int c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= width) return;
    const long long at = static_cast<long long>(blockIdx.x) * width + c;
    y[at] = fmaf(scale[c], x[at], shift[c]);
}

// Sets rows of y to 0 that are before the first or not before the end of a signal: row r is its frame
// at[0] + r, and its frames are 0 to at[1]. Both lie on the device, so that a recorded list of launches
// holds for every hop.
extern "C" __global__ void __launch_bounds__(128)
    mask_rows(float* y, int width, const long long* at, int times) {
    const int r = blockIdx.x, c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= width) return;
    const long long frame = at[0] * times + r, end = at[1] * times;
    if (frame < 0 || frame >= end) y[static_cast<long long>(r) * width + c] = 0.0f;
}

// y[r, c] = y[r + by, c] for r < kept: a stream lets go of its first rows. A thread per column, which it
// alone reads and writes, in the order of the rows, so that nothing is lost where the two stretches
// overlap. Eight rows are under way at a time.
extern "C" __global__ void __launch_bounds__(128) shift_rows(float* y, int width, int kept, int by) {
    constexpr int SOME = 8;
    const int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= width) return;
    y += c;
    for (int r = 0; r < kept; r += SOME) {
        float values[SOME];
#pragma unroll
        for (int n = 0; n < SOME; ++n)
            if (r + n < kept) values[n] = y[(r + n + by) * width];
#pragma unroll
        for (int n = 0; n < SOME; ++n)
            if (r + n < kept) y[(r + n) * width] = values[n];
    }
}

// Draws from a prior: stats is [rows, 2 * width], means and logarithms of deviations, noise and z are
// [rows, width]: z = mean + exp(log) * noise * temperature.
extern "C" __global__ void __launch_bounds__(128)
    draw(const float* __restrict__ stats, const float* __restrict__ noise, float temperature,
         float* __restrict__ z, int width) {
    const int r = blockIdx.x, c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= width) return;
    const float* from = stats + static_cast<long long>(r) * 2 * width;
    const long long at = static_cast<long long>(r) * width + c;
    z[at] = fmaf(expf(from[width + c]) * noise[at], temperature, from[c]);
}

// y[n] = log(max(x[n], least)), the natural logarithm; x may be y.
extern "C" __global__ void __launch_bounds__(256) log_at_least(const float* x, int count, float least, float* y) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x;
    if (n < count) y[n] = logf(fmaxf(x[n], least));
}
