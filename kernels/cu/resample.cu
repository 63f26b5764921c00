// Signals of one rate become signals of another: a windowed sinc in phases (Crochiere & Rabiner,
// "Multirate Digital Signal Processing", 1983, ch. 4).

#include "common.cuh"

// y[m, c] = sum over n of table[phase, n] * z[first + n, c], where first and phase are the whole part and
// the rest of (start + m * down) / up. z is [kept + frames, channels]: `past` and then `x`. `table` is [up,
// taps]. A thread per value.
extern "C" __global__ void __launch_bounds__(256)
    resample(const float* __restrict__ past, int kept, const float* __restrict__ x, int channels,
             const float* __restrict__ table, int up, int down, int taps, int start, float* __restrict__ y, int count) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const int m = i / channels, c = i - m * channels;
    const int place = start + m * down, first = place / up;
    const float* row = table + static_cast<long long>(place - first * up) * taps;
    float sum = 0.0f;
    const int before = min(max(kept - first, 0), taps);
    for (int n = 0; n < before; ++n) sum = fmaf(row[n], past[(first + n) * channels + c], sum);
    for (int n = before; n < taps; ++n) sum = fmaf(row[n], x[(first + n - kept) * channels + c], sum);
    y[i] = sum;
}

// Makes the last `kept` of `past` and then `frames` of `x` the new `past`; both count values of all
// channels. A thread moves values that are `frames` apart, one after the other, and nobody else reads or
// writes these.
extern "C" __global__ void __launch_bounds__(256)
    resample_keep(float* past, int kept, const float* __restrict__ x, int frames) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x;
    if (n >= min(kept, frames)) return;
    for (int to = n; to < kept; to += frames) {
        const int from = to + frames;
        past[to] = from < kept ? past[from] : x[from - kept];
    }
}
