// Long short-term memory, one step at a time (Hochreiter & Schmidhuber, 1997, in the form of PyTorch's
// `LSTM`).

#include "recurrent.cuh"

// i, f, o = sigmoid, g = tanh of the frame's `gates` [4 * size] + w state, in the order i, f, g, o;
// cell = f * cell + i * g, next = o * tanh(cell). w is [4 * size, size]; both biases are in the gates.
// A warp per cell, which alone reads and writes `cell`. `next` may not be `state`.
extern "C" __global__ void __launch_bounds__(CELLS* WARP)
    lstm_step(const float* __restrict__ gates, const float* __restrict__ w,
              const float* __restrict__ state, float* cell, float* __restrict__ next, int size) {
    const int at = blockIdx.x * CELLS + threadIdx.x / WARP;
    if (at >= size) return;
    float h[4];
    for (int gate = 0; gate < 4; ++gate) {
        const int row = gate * size + at;
        h[gate] = gates[row] + dot_state(w + static_cast<long long>(row) * size, state, size);
    }
    if (threadIdx.x % WARP != 0) return;
    const float kept = sigmoid(h[1]) * cell[at];
    const float now = fmaf(sigmoid(h[0]), tanhf(h[2]), kept);
    cell[at] = now;
    next[at] = sigmoid(h[3]) * tanhf(now);
}
