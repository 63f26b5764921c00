// What rings and what strikes, apart: medians along time and along frequency, and soft masks of them
// (Fitzgerald, "Harmonic/Percussive Separation using Median Filtering", 2010).

#include "common.cuh"

constexpr int THREADS = 128;

// Medians of up to `reach` values on either side, fewer at the ends; of an even number the mean of the two
// in the middle. y[n] is of x[first + n], for n < count. Values that are neighbours lie `stride` apart, and
// there are `extent` of them. What is no number counts as greatest. A thread per value, which counts how
// many are less than each: exact, and the same for all threads of a warp but the ends. Shared memory of
// 2 * reach + 1 floats per thread.
extern "C" __global__ void __launch_bounds__(THREADS)
    median(const float* __restrict__ x, int stride, int extent, int reach, int first, float* __restrict__ y, int count) {
    extern __shared__ float windows[];
    const int n = blockIdx.x * THREADS + threadIdx.x;
    if (n >= count) return;
    const int at = first + n, place = at / stride % extent;
    const int low = max(place - reach, 0), length = min(place + reach, extent - 1) - low + 1;
    // A column per thread, so that lanes read neighbours; nobody else's is read.
    float* window = windows + threadIdx.x;
    x += at - (place - low) * stride;
    for (int i = 0; i < length; ++i) window[i * THREADS] = x[i * stride];
    const int lower = (length - 1) / 2, upper = length / 2;
    // No number, unless one is found: it is the greatest, then.
    float a = __int_as_float(0x7fffffff), b = a;
    for (int i = 0; i < length; ++i) {
        const float value = window[i * THREADS];
        int less = 0, same = 0;
        for (int j = 0; j < length; ++j) {
            const float other = window[j * THREADS];
            less += other < value;
            same += other == value;
        }
        if (less <= lower && lower < less + same) a = value;
        if (less <= upper && upper < less + same) b = value;
    }
    y[n] = 0.5f * (a + b);
}

// Shares of a bin by the squares of two medians, h^2 / (h^2 + p^2) and the rest, half each where both are 0:
// `ringing` and `striking` add up to `x`. All spectra are pairs, real part and imaginary part.
extern "C" __global__ void __launch_bounds__(256)
    separate(const float2* __restrict__ x, const float* __restrict__ along_time,
             const float* __restrict__ along_frequency, int count, float2* __restrict__ ringing,
             float2* __restrict__ striking) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x;
    if (n >= count) return;
    const float h = along_time[n], p = along_frequency[n];
    // By the ratio of the lesser to the greater: squares of either may leave the range.
    const float greater = fmaxf(h, p), ratio = greater > 0.0f ? fminf(h, p) / greater : 1.0f;
    const float square = ratio * ratio, lesser = square / (1.0f + square);
    const float share = h < p ? lesser : 1.0f - lesser, rest = h < p ? 1.0f - lesser : lesser;
    const float2 bin = x[n];
    ringing[n] = make_float2(share * bin.x, share * bin.y);
    striking[n] = make_float2(rest * bin.x, rest * bin.y);
}
