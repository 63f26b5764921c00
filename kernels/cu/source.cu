// The excitation of a voice: a sine at its pitch where it is voiced, noise where it is not (Wang,
// Takaki & Yamagishi, "Neural source-filter waveform models for statistical parametric speech
// synthesis", 2020).

#include "common.cuh"

// Amplitude of the sine, and deviation of the noise where there is one and where there is none.
constexpr float SINE = 0.1f;
constexpr float VOICED_NOISE = 0.003f;
constexpr float UNVOICED_NOISE = SINE / 3.0f;

// Cycles from the state to the end of `frames` frames, below 1. In f64: a phase in f32 drifts by a
// cycle in minutes.
__device__ inline double phase_after(const double* phase, const float* pitch, int frames, int hop, double period) {
    double cycles = *phase;
    for (int f = 0; f < frames; ++f) {
        cycles += static_cast<double>(pitch[f]) * period * hop;
        cycles -= floor(cycles);
    }
    return cycles;
}

// y[f * hop + n] = tanh(gain * e + offset) of the excitation e of sample n of frame f. `pitch` is in Hz,
// 0 where unvoiced; `period` 1 / rate; `noise` normal deviates, one per sample. `phase`, in cycles, is
// read only: all blocks need it as it was. A block row per frame, so that only one thread per block
// goes through the frames before.
extern "C" __global__ void __launch_bounds__(256)
    source(const double* phase, const float* __restrict__ pitch, int hop, double period,
           const float* __restrict__ noise, float gain, float offset, float* __restrict__ y) {
    __shared__ double start;
    const int f = blockIdx.y, n = blockIdx.x * blockDim.x + threadIdx.x;
    if (threadIdx.x == 0) start = phase_after(phase, pitch, f, hop, period);
    __syncthreads();
    if (n >= hop) return;
    const float hz = pitch[f];
    float excitation = UNVOICED_NOISE * noise[f * hop + n];
    if (hz > 0.0f) {
        double cycles = fma(static_cast<double>(hz) * period, static_cast<double>(n + 1), start);
        cycles -= floor(cycles);
        // The sine of a multiple of pi needs no reduction of large arguments.
        const float wave = sinpif(2.0f * static_cast<float>(cycles));
        excitation = fmaf(SINE, wave, VOICED_NOISE * noise[f * hop + n]);
    }
    y[f * hop + n] = tanhf(fmaf(gain, excitation, offset));
}

// Moves the phase on by the frames that `source` was given; one thread.
extern "C" __global__ void __launch_bounds__(1)
    source_advance(double* phase, const float* pitch, int frames, int hop, double period) {
    *phase = phase_after(phase, pitch, frames, hop, period);
}
