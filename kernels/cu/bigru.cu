// The gated recurrent unit over a window, in both directions at once (Cho et al., 2014, in the form of
// PyTorch's `GRU`).

#include "recurrent.cuh"

// One turn of `frames`: the forward direction's frame `turn`, and the backward one's as many before the last.
// r, z = sigmoid(x + h), n = tanh(x_n + r * h_n), next = (1 - z) * n + z * state, with x the frame's `gates`
// and h = w state + bias. gates are [frames, 2, 3 * size], w [2, 3 * size, size], bias [2, 3 * size] and y
// [frames, 2, size], where the state is what the turn before wrote, and zeros at the first. A warp per cell,
// a row of blocks per direction.
extern "C" __global__ void __launch_bounds__(CELLS* WARP)
    bigru_turn(const float* __restrict__ gates, const float* __restrict__ w, const float* __restrict__ bias,
               float* y, int size, int frames, int turn) {
    const int cell = blockIdx.x * CELLS + threadIdx.x / WARP, direction = blockIdx.y;
    // Whole warps leave, so that exchanges between lanes stay whole.
    if (cell >= size) return;
    const int frame = direction == 0 ? turn : frames - 1 - turn;
    const int before = direction == 0 ? frame - 1 : frame + 1;
    const float* state = y + (2 * before + direction) * size;
    const float* x = gates + (2 * frame + direction) * 3 * size;
    float h[3];
    for (int gate = 0; gate < 3; ++gate) {
        const int row = (3 * direction + gate) * size + cell;
        h[gate] = bias[row];
        if (turn > 0) h[gate] += dot_state(w + static_cast<long long>(row) * size, state, size);
    }
    if (threadIdx.x % WARP != 0) return;
    const float r = sigmoid(x[cell] + h[0]);
    const float z = sigmoid(x[size + cell] + h[1]);
    const float n = tanhf(fmaf(r, h[2], x[2 * size + cell]));
    const float last = turn > 0 ? state[cell] : 0.0f;
    y[(2 * frame + direction) * size + cell] = (1.0f - z) * n + z * last;
}
