// The gated recurrent unit, one step at a time (Cho et al., 2014, in the form of PyTorch's `GRU`).

#include "recurrent.cuh"

// r, z = sigmoid(x + h), n = tanh(x_n + r * h_n), next = (1 - z) * n + z * state, with x the frame's
// `gates` [3 * size] and h = w state + bias; w is [3 * size, size]. A warp per cell. `next` may not be
// `state`, which other warps still read: where outputs of a sequence lie one behind the other, each is
// the state of the next.
extern "C" __global__ void __launch_bounds__(CELLS* WARP)
    gru_step(const float* __restrict__ gates, const float* __restrict__ w, const float* __restrict__ bias,
             const float* __restrict__ state, float* __restrict__ next, int size) {
    const int cell = blockIdx.x * CELLS + threadIdx.x / WARP;
    // Whole warps leave, so that exchanges between lanes stay whole.
    if (cell >= size) return;
    float h[3];
    for (int gate = 0; gate < 3; ++gate) {
        const int row = gate * size + cell;
        h[gate] = bias[row] + dot_state(w + static_cast<long long>(row) * size, state, size);
    }
    if (threadIdx.x % WARP != 0) return;
    const float r = sigmoid(gates[cell] + h[0]);
    const float z = sigmoid(gates[size + cell] + h[1]);
    const float n = tanhf(fmaf(r, h[2], gates[2 * size + cell]));
    next[cell] = (1.0f - z) * n + z * state[cell];
}
