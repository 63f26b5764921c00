// Spectra of frames and back, by the fast Fourier transform of Cooley & Tukey (1965), radix 2, in
// shared memory: a block per frame of 2^bits values, 16 to 4,096 of them.

#include "common.cuh"

constexpr int THREADS = 128;

// In place, of values in bit-reversed order. The sign is -1 forwards and 1 backwards. Turns are
// computed where they are used: sines of multiples of pi are cheap, and a table would be read from
// memory.
__device__ inline void transform(float2* v, int bits, float sign) {
    const int half_size = 1 << (bits - 1);
    for (int stage = 0; stage < bits; ++stage) {
        const int half = 1 << stage;
        for (int n = threadIdx.x; n < half_size; n += THREADS) {
            const int turn = n & (half - 1), low = (n - turn) * 2 + turn, high = low + half;
            float sin, cos;
            sincospif(sign * static_cast<float>(turn) / static_cast<float>(half), &sin, &cos);
            const float2 a = v[low], b = v[high];
            const float2 turned = make_float2(b.x * cos - b.y * sin, b.x * sin + b.y * cos);
            v[low] = make_float2(a.x + turned.x, a.y + turned.y);
            v[high] = make_float2(a.x - turned.x, a.y - turned.y);
        }
        __syncthreads();
    }
}

__device__ inline int reversed(int n, int bits) { return static_cast<int>(__brev(static_cast<unsigned>(n)) >> (32 - bits)); }

// spectrum[f, k] = sum over n of window[n] * x[f * hop + n] * exp(-2 pi i k n / N), for k = 0..=N / 2.
// `spectrum` is [frames, N / 2 + 1] of pairs: real part, imaginary part. Shared memory of N pairs.
extern "C" __global__ void __launch_bounds__(THREADS)
    stft(const float* __restrict__ x, int hop, const float* __restrict__ window, int bits,
         float2* __restrict__ spectrum) {
    extern __shared__ float2 v[];
    const int size = 1 << bits, bins = size / 2 + 1;
    x += static_cast<long long>(blockIdx.x) * hop;
    for (int n = threadIdx.x; n < size; n += THREADS)
        v[reversed(n, bits)] = make_float2(window[n] * x[n], 0.0f);
    __syncthreads();
    transform(v, bits, -1.0f);
    spectrum += static_cast<long long>(blockIdx.x) * bins;
    for (int k = threadIdx.x; k < bins; k += THREADS) spectrum[k] = v[k];
}

// The inverse, windowed: frames[f, n] = window[n] / N * sum over all N bins, those above N / 2 being
// the conjugates of those below. The imaginary parts of bin 0 and N / 2 count as 0.
extern "C" __global__ void __launch_bounds__(THREADS)
    istft(const float2* __restrict__ spectrum, const float* __restrict__ window, int bits,
          float* __restrict__ frames) {
    extern __shared__ float2 v[];
    const int size = 1 << bits, bins = size / 2 + 1;
    spectrum += static_cast<long long>(blockIdx.x) * bins;
    for (int k = threadIdx.x; k < bins; k += THREADS) {
        const float2 bin = spectrum[k];
        const bool is_real = k == 0 || k == size / 2;
        v[reversed(k, bits)] = make_float2(bin.x, is_real ? 0.0f : bin.y);
        if (!is_real) v[reversed(size - k, bits)] = make_float2(bin.x, -bin.y);
    }
    __syncthreads();
    transform(v, bits, 1.0f);
    frames += static_cast<long long>(blockIdx.x) * size;
    for (int n = threadIdx.x; n < size; n += THREADS) frames[n] = window[n] / size * v[n].x;
}

// y[n] = |spectrum[n]|.
extern "C" __global__ void __launch_bounds__(256)
    magnitude(const float2* __restrict__ spectrum, int count, float* __restrict__ y) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x;
    if (n >= count) return;
    const float2 bin = spectrum[n];
    y[n] = sqrtf(fmaf(bin.x, bin.x, bin.y * bin.y));
}
