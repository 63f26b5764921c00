// Depthwise convolution over frames, channels last. Other convolutions are products (`matmul.cu`).

#include "common.cuh"

// y[f, c] = activation(bias[c] + sum over tap of w[tap, c] * leaky(x[f * stride + tap * dilation, c]))
// + add[f, c]. Bias and add may be null; add may be y. A thread per value: neighbours are channels, so
// that every read of a warp is one stretch of memory.
extern "C" __global__ void __launch_bounds__(128)
    conv1d_depthwise(const float* __restrict__ x, int channels, int kernel, int stride, int dilation,
                     float x_slope, const float* __restrict__ w, const float* __restrict__ bias,
                     const float* add, int add_stride, float* y, int y_stride, int activation, float slope) {
    const int f = blockIdx.x, c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    float sum = bias ? bias[c] : 0.0f;
    const float* from = x + static_cast<long long>(f) * stride * channels + c;
    for (int tap = 0; tap < kernel; ++tap) {
        sum = fmaf(w[tap * channels + c], leaky(*from, x_slope), sum);
        from += dilation * channels;
    }
    float value = activate(activation, slope, sum);
    if (add) value += add[f * add_stride + c];
    y[f * y_stride + c] = value;
}
