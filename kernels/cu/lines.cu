// The past of a stream: many signals of one array, each of which moves on with every step.

#include "common.cuh"

// A signal is three numbers: where it begins in `y`, values of it for a frame of the stream, and how many
// values of its past are kept. y[at + n] = y[at + frames * step + n] for n < kept. A row of blocks per
// signal. The two stretches may overlap: a thread moves values that are a whole move apart, one after
// the other, and nobody else reads or writes these.
extern "C" __global__ void __launch_bounds__(256)
    advance_lines(float* y, const unsigned* __restrict__ lines, int frames) {
    const unsigned* line = lines + 3 * blockIdx.y;
    const int move = frames * static_cast<int>(line[1]), kept = static_cast<int>(line[2]);
    y += line[0];
    const int end = min(move, kept);
    for (int n = blockIdx.x * blockDim.x + threadIdx.x; n < end; n += gridDim.x * blockDim.x)
        for (int to = n; to < kept; to += move) y[to] = y[to + move];
}
