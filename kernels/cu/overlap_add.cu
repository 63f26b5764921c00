// Frames that overlap become a signal.

#include "common.cuh"

// y[n] = carry[n] + sum over f of frames[f, n - f * hop], for n < samples. `frames` is [count, length];
// `carry` may be null or y. A thread per sample adds up the frames over it, in their order: no two
// threads write to one place.
extern "C" __global__ void __launch_bounds__(256)
    overlap_add(const float* frames, int count, int length, int hop, const float* carry, float* y, int samples) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x;
    if (n >= samples) return;
    float sum = carry ? carry[n] : 0.0f;
    const int first = n < length ? 0 : (n - length) / hop + 1;
    const int last = min(n / hop, count - 1);
    for (int f = first; f <= last; ++f) sum += frames[static_cast<long long>(f) * length + n - f * hop];
    y[n] = sum;
}
