// What the recurrent cells share.
#pragma once

#include "common.cuh"

// Cells of a block, one per warp.
constexpr int CELLS = 4;

// The product of a row of weights with the state, in every lane of a warp.
__device__ inline float dot_state(const float* w, const float* state, int size) {
    float sum = 0.0f;
    for (int i = threadIdx.x % WARP; i < size; i += WARP) sum = fmaf(w[i], state[i], sum);
    return warp_sum(sum);
}
