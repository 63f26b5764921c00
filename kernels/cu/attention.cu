// Attention of frames to keys (Vaswani et al., 2017), plain or with relative positions (Shaw, Uszkoreit
// & Vaswani, 2018).

#include "common.cuh"

constexpr int THREADS = 128;
// Lanes that share a key: they read 32 bytes side by side, and four keys are on their way per warp.
constexpr int SHARE = 8;

// For frame f and head h, with depth d = heads' share of `width`:
//   score[k] = scale * q[f, h] . (key[k, h] + near_key[n]),  n = k - f + reach / 2
//   y[f, h]  = sum over k of softmax(score)[k] * (value[k, h] + near_value[n])
// where `near_...` [reach, depth] count only for n in 0..reach, and may be null with a reach of 0.
//
// q is [frames, q_stride], keys and values [keys, stride], y [frames, y_stride]; heads lie side by side.
// A block per frame and head. Shared memory of `keys + 5 * depth` floats is given at launch: scores,
// the query, and the sums of each of four warps.
extern "C" __global__ void __launch_bounds__(THREADS)
    attention(const float* __restrict__ q, int q_stride, const float* __restrict__ key,
              const float* __restrict__ value, int stride, int keys, int depth, float scale,
              const float* __restrict__ near_key, const float* __restrict__ near_value, int reach,
              float* __restrict__ y, int y_stride) {
    extern __shared__ float shared[];
    __shared__ float reduced[THREADS / WARP];
    float *scores = shared, *query = shared + keys, *sums = query + depth;
    const int f = blockIdx.x, head = blockIdx.y * depth;
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    for (int d = threadIdx.x; d < depth; d += THREADS) query[d] = scale * q[f * q_stride + head + d];
    __syncthreads();

    // Every lane takes part in every exchange; beyond the last key it has nothing to say.
    float most = lowest();
    for (int first = warp * (WARP / SHARE); first < keys; first += THREADS / SHARE) {
        const int k = first + lane / SHARE, n = k - f + reach / 2;
        float sum = 0.0f;
        if (k < keys) {
            const float* from = key + static_cast<long long>(k) * stride + head;
            const float* near = near_key + n * depth;
            const bool is_near = 0 <= n && n < reach;
            for (int d = lane % SHARE; d < depth; d += SHARE)
                sum = fmaf(query[d], from[d] + (is_near ? near[d] : 0.0f), sum);
        }
        for (int other = SHARE / 2; other > 0; other /= 2) sum += __shfl_xor_sync(ALL_LANES, sum, other);
        if (k < keys) {
            if (lane % SHARE == 0) scores[k] = sum;
            most = fmaxf(most, sum);
        }
    }
    most = block_max<THREADS>(most, reduced);
    float total = 0.0f;
    for (int k = threadIdx.x; k < keys; k += THREADS) {
        const float share = expf(scores[k] - most);
        scores[k] = share;
        total += share;
    }
    total = block_sum<THREADS>(total, reduced);

    // Each warp sums a quarter of the keys, its lanes along the depth.
    for (int d = lane; d < depth; d += WARP) {
        float sum = 0.0f;
        for (int k = warp; k < keys; k += THREADS / WARP) {
            const int n = k - f + reach / 2;
            float from = value[static_cast<long long>(k) * stride + head + d];
            if (0 <= n && n < reach) from += near_value[n * depth + d];
            sum = fmaf(scores[k], from, sum);
        }
        sums[warp * depth + d] = sum;
    }
    __syncthreads();
    for (int d = threadIdx.x; d < depth; d += THREADS) {
        float sum = 0.0f;
        for (int w = 0; w < THREADS / WARP; ++w) sum += sums[w * depth + d];
        y[f * y_stride + head + d] = sum / total;
    }
}
