// Normalisation of every channel over time by statistics that run along with a stream.
//
// Frames come in pieces: the first of `first` frames, the others of `each`, but for the last, which has
// what is left of `frames`. A piece is normalised by what is known after it.

#include "common.cuh"

constexpr double EPSILON = 1e-5;

struct Piece {
    int from, to;
};

__device__ inline Piece piece_of(int piece, int first, int each, int frames) {
    const int from = piece == 0 ? 0 : first + (piece - 1) * each;
    return {min(from, frames), min(piece == 0 ? first : from + each, frames)};
}

// --- Sums of each piece ---------------------------------------------------------------------------

constexpr int COLUMNS = 32;
constexpr int ROWS = 8;

// sums[piece] is [2, channels]: of x and of its squares over the frames of the piece; x is [frames,
// channels]. A block per piece and 32 channels: eight threads of a channel take turns, each with eight
// frames in f32 before they join its sums in f64.
extern "C" __global__ void __launch_bounds__(COLUMNS* ROWS)
    running_sums(const float* __restrict__ x, int channels, int first, int each, int frames,
                 double* __restrict__ sums) {
    constexpr int SOME = 8;
    __shared__ double shared[2][ROWS][COLUMNS];
    const Piece piece = piece_of(blockIdx.x, first, each, frames);
    const int column = threadIdx.x % COLUMNS, row = threadIdx.x / COLUMNS;
    const int c = blockIdx.y * COLUMNS + column;
    double sum = 0.0, square = 0.0;
    if (c < channels) {
        for (int from = piece.from + row; from < piece.to; from += ROWS * SOME) {
            float some = 0.0f, squares = 0.0f;
#pragma unroll
            for (int n = 0; n < SOME; ++n) {
                const int f = from + n * ROWS;
                const float value = f < piece.to ? x[static_cast<long long>(f) * channels + c] : 0.0f;
                some += value;
                squares = fmaf(value, value, squares);
            }
            sum += some;
            square += squares;
        }
    }
    shared[0][row][column] = sum;
    shared[1][row][column] = square;
    __syncthreads();
    // The first two rows of threads add up what all of them have: one the sums, one the squares.
    if (row < 2 && c < channels) {
        double total = 0.0;
        for (int r = 0; r < ROWS; ++r) total += shared[row][r][column];
        sums[(static_cast<long long>(blockIdx.x) * 2 + row) * channels + c] = total;
    }
}

// --- What is known after each piece ---------------------------------------------------------------

constexpr int THREADS = 512;

__device__ inline double warp_sum(double x) {
    for (int lane = WARP / 2; lane > 0; lane /= 2) x += __shfl_xor_sync(ALL_LANES, x, lane);
    return x;
}

// `moments` is [1 + 2 * channels]: the frames that the statistics rest on, at most `memory` unless one
// piece has more; the means; the means of squares. A piece as loud as what was heard before counts in
// full, one 20 dB below it a hundredth, and silence before the first sound not at all. `factors` becomes
// [pieces, 2, channels]: with them x is normalised, then times scale[c] plus shift[c]. One block: each
// piece rests on the one before. A thread has its channels to itself.
extern "C" __global__ void __launch_bounds__(THREADS)
    running_factors(const double* __restrict__ sums, int channels, int first, int each, int frames, int pieces,
                    double memory, double* moments, const float* __restrict__ scale,
                    const float* __restrict__ shift, float* __restrict__ factors) {
    __shared__ double shared[2][THREADS / WARP];
    double *means = moments + 1, *squares = means + channels;
    // Read by all before it is written, after the last piece.
    double weight = moments[0];
    for (int n = 0; n < pieces; ++n) {
        const Piece piece = piece_of(n, first, each, frames);
        const double count = piece.to - piece.from;
        const double* new_sums = sums + static_cast<long long>(n) * 2 * channels;
        const double* new_squares = new_sums + channels;
        double energy = 0.0, usual = 0.0;
        for (int c = threadIdx.x; c < channels; c += THREADS) energy += new_squares[c], usual += squares[c];
        energy = warp_sum(energy), usual = warp_sum(usual);
        if (threadIdx.x % WARP == 0) {
            shared[0][threadIdx.x / WARP] = energy;
            shared[1][threadIdx.x / WARP] = usual;
        }
        __syncthreads();
        energy = 0.0, usual = 0.0;
        for (int warp = 0; warp < THREADS / WARP; ++warp) energy += shared[0][warp], usual += shared[1][warp];
        // Nobody writes the next sums before all have read these.
        __syncthreads();
        energy /= fmax(count, 1.0);
        const double counts = usual > 0.0 ? fmin(energy / usual, 1.0) : (energy > 0.0 ? 1.0 : 0.0);
        const double more = count * counts;
        weight = fmin(weight + more, fmax(memory, more));
        const double share = weight > 0.0 ? more / weight : 0.0;
        float* given = factors + static_cast<long long>(n) * 2 * channels;
        for (int c = threadIdx.x; c < channels; c += THREADS) {
            double mean = means[c], square = squares[c];
            if (share > 0.0) {
                mean += share * (new_sums[c] / count - mean);
                square += share * (new_squares[c] / count - square);
                means[c] = mean;
                squares[c] = square;
            }
            const double by = scale[c] / sqrt(fmax(square - mean * mean, 0.0) + EPSILON);
            given[c] = static_cast<float>(by);
            given[channels + c] = static_cast<float>(shift[c] - mean * by);
        }
    }
    __syncthreads();
    if (threadIdx.x == 0) moments[0] = weight;
}

// --- What becomes of the frames -------------------------------------------------------------------

// y[f, c] = activation(by[c] * x[f, c] + plus[c]) with the factors of the frame's piece; x may be y. A
// thread per value.
extern "C" __global__ void __launch_bounds__(128)
    running_apply(const float* x, int channels, int first, int each, const float* __restrict__ factors,
                  int activation, float slope, float* y) {
    const int f = blockIdx.x, c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    const int piece = f < first ? 0 : 1 + (f - first) / each;
    const float* by = factors + static_cast<long long>(piece) * 2 * channels;
    const long long at = static_cast<long long>(f) * channels + c;
    y[at] = activate(activation, slope, fmaf(by[c], x[at], by[channels + c]));
}
