// The step of a phase vocoder (Flanagan & Golden, "Phase Vocoder", 1966; Dolson, "The Phase Vocoder: A
// Tutorial", 1986): spectra of frames that are `hop` apart become those of frames `new_hop` apart, of the
// same tones. Phases are locked to those of peaks on demand: identity phase locking (Laroche & Dolson,
// "Improved Phase Vocoder Time-Scale Modification of Audio", 1999).

#include "common.cuh"

constexpr int THREADS = 256;

// The angle in turns, -0.5 to 0.5; 1/(2 pi).
__device__ inline float turns(float2 z) { return atan2f(z.y, z.x) * 0.15915494f; }

// Less whole turns.
__device__ inline float less_whole(float turns) { return turns - rintf(turns); }

// Greater than two neighbours on either side; of equals the lower is.
__device__ inline bool is_peak(const float* power, int bins, int k) {
    const float here = power[k];
    if (!(here > 0.0f)) return false;
    for (int n = max(k - 2, 0); n < k; ++n)
        if (!(power[n] < here)) return false;
    for (int n = k + 1; n <= min(k + 2, bins - 1); ++n)
        if (!(power[n] <= here)) return false;
    return true;
}

// The bin among those whose bits are set that is nearest to k; of two the lower. -1 if there is none.
__device__ inline int nearest(const unsigned* peaks, int words, int k) {
    const int bit = k % 32;
    int at = k / 32;
    unsigned below = peaks[at] & (ALL_LANES >> (31 - bit));
    while (below == 0 && at > 0) below = peaks[--at];
    const int lower = below ? at * 32 + 31 - __clz(static_cast<int>(below)) : -1;
    at = k / 32;
    unsigned above = peaks[at] & (ALL_LANES << bit);
    while (above == 0 && at < words - 1) above = peaks[++at];
    const int upper = above ? at * 32 + __ffs(static_cast<int>(above)) - 1 : -1;
    if (lower < 0 || upper < 0) return max(lower, upper);
    return k - lower <= upper - k ? lower : upper;
}

// By how much a bin is turned: to where its tone, at the frequency that two frames tell, has got to since
// the last output. After silence not at all. Frames have `size` values, a power of two.
__device__ inline float2 turned_by(float2 x, float2 last_x, float2 last_y, int k, int size, int hop, int new_hop) {
    if (last_y.x == 0.0f && last_y.y == 0.0f) return make_float2(1.0f, 0.0f);
    const float period = 1.0f / static_cast<float>(size);
    const float expected = static_cast<float>((k * hop) & (size - 1)) * period;
    const float wanted = static_cast<float>((k * new_hop) & (size - 1)) * period;
    const float phase = turns(x);
    const float beside = less_whole(phase - turns(last_x) - expected);
    const float ratio = static_cast<float>(new_hop) / static_cast<float>(hop);
    const float turn = less_whole(fmaf(beside, ratio, turns(last_y) + wanted - phase));
    float sin, cos;
    sincospif(2.0f * turn, &sin, &cos);
    return make_float2(cos, sin);
}

// `x` and `y` are [streams, frames, bins] of pairs, real part and imaginary part, and may be the same;
// `last` is [streams, 2, bins]: the last frame of `x` and of `y`, which moves on. A block per stream goes
// through its frames; a bin of all of them is one thread's. Shared memory of a pair and a float per bin,
// and a bit per bin in whole words.
extern "C" __global__ void __launch_bounds__(THREADS)
    phase_vocoder(const float2* x, int frames, int bits, int hop, int new_hop, int is_locked, float2* last, float2* y) {
    extern __shared__ float2 turn[];
    const int size = 1 << bits, bins = size / 2 + 1, words = (bins + 31) / 32;
    float* power = reinterpret_cast<float*>(turn + bins);
    unsigned* peaks = reinterpret_cast<unsigned*>(power + bins);
    const long long stream = static_cast<long long>(blockIdx.x) * frames * bins;
    x += stream;
    y += stream;
    last += static_cast<long long>(blockIdx.x) * 2 * bins;
    for (int f = 0; f < frames; ++f, x += bins, y += bins) {
        for (int k = threadIdx.x; k < bins; k += THREADS) power[k] = fmaf(x[k].x, x[k].x, x[k].y * x[k].y);
        __syncthreads();
        // Whole warps, so that each knows its word.
        for (int k = threadIdx.x; k < words * 32; k += THREADS) {
            const bool leads = k < bins && (is_locked ? is_peak(power, bins, k) : power[k] > 0.0f);
            const unsigned word = __ballot_sync(ALL_LANES, leads);
            if (k % 32 == 0) peaks[k / 32] = word;
            if (leads) turn[k] = turned_by(x[k], last[k], last[bins + k], k, size, hop, new_hop);
        }
        __syncthreads();
        for (int k = threadIdx.x; k < bins; k += THREADS) {
            const float2 from = x[k];
            const int peak = nearest(peaks, words, k);
            float2 to = from;
            if (peak >= 0) {
                const float2 by = turn[peak];
                to = make_float2(fmaf(from.x, by.x, -from.y * by.y), fmaf(from.x, by.y, from.y * by.x));
            }
            last[k] = from;
            last[bins + k] = to;
            y[k] = to;
        }
    }
}
