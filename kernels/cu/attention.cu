// Attention of frames to keys (Vaswani et al., 2017), plain or with relative positions (Shaw, Uszkoreit
// & Vaswani, 2018).

#include "common.cuh"

constexpr int THREADS = 128;
// Lanes that share a key: they read 32 bytes side by side, and four keys are on their way per warp.
constexpr int SHARE = 8;

// What one key has for the head at hand; near ones may be null.
struct Key {
    const float *key, *value, *near_key, *near_value;
};

// For one frame and head: scores, shared memory of `keys + 5 * depth` floats, are of `scale * q` with
// each key, and y is the mean of the values weighted by their softmax; `of(k)` says what key k is.
template <typename Of>
__device__ inline void attend(const Of& of, const float* q, int keys, int depth, float scale, float* shared,
                              float* y) {
    __shared__ float reduced[THREADS / WARP];
    float *scores = shared, *query = shared + keys, *sums = query + depth;
    const int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    for (int d = threadIdx.x; d < depth; d += THREADS) query[d] = scale * q[d];
    __syncthreads();

    // Every lane takes part in every exchange; beyond the last key it has nothing to say.
    float most = lowest();
    for (int first = warp * (WARP / SHARE); first < keys; first += THREADS / SHARE) {
        const int k = first + lane / SHARE;
        float sum = 0.0f;
        if (k < keys) {
            const Key from = of(k);
            for (int d = lane % SHARE; d < depth; d += SHARE)
                sum = fmaf(query[d], from.key[d] + (from.near_key ? from.near_key[d] : 0.0f), sum);
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
            const Key from = of(k);
            sum = fmaf(scores[k], from.value[d] + (from.near_value ? from.near_value[d] : 0.0f), sum);
        }
        sums[warp * depth + d] = sum;
    }
    __syncthreads();
    for (int d = threadIdx.x; d < depth; d += THREADS) {
        float sum = 0.0f;
        for (int w = 0; w < THREADS / WARP; ++w) sum += sums[w * depth + d];
        y[d] = sum / total;
    }
}

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
    const int f = blockIdx.x, head = blockIdx.y * depth;
    const auto of = [&](int k) {
        const long long at = static_cast<long long>(k) * stride + head;
        const int n = k - f + reach / 2;
        const bool is_near = 0 <= n && n < reach;
        return Key{key + at, value + at, is_near ? near_key + n * depth : nullptr,
                   is_near ? near_value + n * depth : nullptr};
    };
    attend(of, q + f * q_stride + head, keys, depth, scale, shared, y + f * y_stride + head);
}

// Attention of the newest frames of a stream to each other and to the last of those before, whose keys
// and values lie in rings, [ring, width] with width = heads * depth: frame n at n % ring. Their order is
// of no meaning. x is [frames, 3 * width], of each frame the query, the key and the value, and y [frames,
// y_stride]; at[0] is the number of the first. So many frames before are seen as there is room for beside
// the newest. What these have goes into the rings, to places that nobody reads meanwhile: those of frames
// that are out of sight.
//
// A block per frame and head. Shared memory of `ring + 5 * depth` floats is given at launch.
extern "C" __global__ void __launch_bounds__(THREADS)
    attention_ring(const float* __restrict__ x, int frames, float* ring_key, float* ring_value, int ring,
                   const long long* __restrict__ at, int depth, float scale, float* __restrict__ y, int y_stride) {
    extern __shared__ float shared[];
    const int f = blockIdx.x, head = blockIdx.y * depth, width = gridDim.y * depth;
    const long long now = at[0], room = ring - frames;
    const int before = static_cast<int>(now < room ? now : room);
    const int first = static_cast<int>((now - before) % ring);
    const float* own = x + static_cast<long long>(f) * 3 * width + head;
    const long long place = (now + f) % ring * width + head;
    for (int d = threadIdx.x; d < depth; d += THREADS) {
        ring_key[place + d] = own[width + d];
        ring_value[place + d] = own[2 * width + d];
    }
    const auto of = [&](int k) {
        if (k >= before) {
            const float* from = x + static_cast<long long>(k - before) * 3 * width + head;
            return Key{from + width, from + 2 * width, nullptr, nullptr};
        }
        const int slot = first + k < ring ? first + k : first + k - ring;
        const long long from = static_cast<long long>(slot) * width + head;
        return Key{ring_key + from, ring_value + from, nullptr, nullptr};
    };
    attend(of, own, before + frames, depth, scale, shared, y + f * y_stride + head);
}
