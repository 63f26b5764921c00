// The sum of many harmonics of one tone.

#include "common.cuh"

constexpr int THREADS = 128;

// y[n] += sum over k of the real part of (g[k] + n / samples * c[k]) * exp(2 pi i (k + 1) cycles[n]),
// with g and c the halves of `gains` [count]: real and imaginary part at the beginning, then what
// either changes by. A block of warps per 32 samples, the harmonics divided among the warps; each
// harmonic is the last times the first, and every 64th is computed anew, so that errors do not grow
// with their number.
extern "C" __global__ void __launch_bounds__(THREADS)
    harmonic_sum(const float* __restrict__ cycles, const float4* __restrict__ gains, int count, float* y, int samples) {
    constexpr int ANEW = 64, WARPS = THREADS / WARP;
    __shared__ float sums[WARPS][WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const int n = blockIdx.x * WARP + lane;
    const float turn = n < samples ? cycles[n] : 0.0f;
    const float share = static_cast<float>(n) / static_cast<float>(samples);
    float first_sin, first_cos;
    sincospif(2.0f * turn, &first_sin, &first_cos);
    float sum = 0.0f;
    for (int from = warp * ANEW; from < count; from += WARPS * ANEW) {
        // Whole cycles are taken off the product, which is exact to half a unit of its last place.
        const float whole = turn * static_cast<float>(from + 1);
        const float left = fmaf(turn, static_cast<float>(from + 1), -rintf(whole));
        float re, im;
        sincospif(2.0f * left, &im, &re);
        const int to = min(from + ANEW, count);
        for (int k = from; k < to; ++k) {
            const float4 gain = gains[k];
            sum = fmaf(fmaf(share, gain.z, gain.x), re, sum);
            sum = fmaf(-fmaf(share, gain.w, gain.y), im, sum);
            const float next = fmaf(first_cos, re, -first_sin * im);
            im = fmaf(first_cos, im, first_sin * re);
            re = next;
        }
    }
    sums[warp][lane] = sum;
    __syncthreads();
    if (warp == 0 && n < samples) {
        for (int w = 1; w < WARPS; ++w) sum += sums[w][lane];
        y[n] += sum;
    }
}
