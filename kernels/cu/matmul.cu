// Products of rows with weights, in the forms that `kernels/src/gpu/matmul/plan.rs` chooses between:
// along the inputs, where reading is all there is to it, and tiles, where it is not.

#include "product.cuh"

// --- Along the inputs -----------------------------------------------------------------------------
//
// A block gives SIDE outputs of SIDE rows. Its threads lie along the inputs, so that a warp reads a
// stretch of 512 or 256 bytes at a time, and their sums are added up at the end: nobody waits for
// anybody before that. Blocks of four are small and many, for where what counts is how many bytes are
// under way; those of eight read half as much for each product. Where there are few inputs a block has
// fewer threads.

constexpr int ALONG_THREADS = 128;

// Of 2 * HALF values, gives one half to the lane DISTANCE away and adds what it gives of the other. A
// template, so that places are constants and the values stay in registers.
template <int HALF, int DISTANCE, int COUNT>
__device__ inline void halve(float (&values)[COUNT]) {
    const bool upper = threadIdx.x & DISTANCE;
#pragma unroll
    for (int n = 0; n < HALF; ++n) {
        const float kept = upper ? values[n + HALF] : values[n];
        const float given = upper ? values[n] : values[n + HALF];
        values[n] = kept + __shfl_xor_sync(ALL_LANES, given, DISTANCE);
    }
}

// Sums values over a warp in about as many exchanges as there are values instead of five times as many:
// at each step a lane gives half of its values away and takes the other half of its partner's. The sums
// go to `sums`, in the order of the values.
__device__ inline void spread_sum(float (&values)[16], float* sums) {
    halve<8, 16>(values);
    halve<4, 8>(values);
    halve<2, 4>(values);
    halve<1, 2>(values);
    const float sum = values[0] + __shfl_xor_sync(ALL_LANES, values[0], 1);
    const int lane = threadIdx.x % WARP;
    if (lane % 2 == 0) sums[lane / 2] = sum;
}

__device__ inline void spread_sum(float (&values)[64], float* sums) {
    halve<32, 16>(values);
    halve<16, 8>(values);
    halve<8, 4>(values);
    halve<4, 2>(values);
    halve<2, 1>(values);
    const int lane = threadIdx.x % WARP;
    sums[2 * lane] = values[0];
    sums[2 * lane + 1] = values[1];
}

template <typename Weight, int SIDE>
__device__ inline void along(const Product& p) {
    constexpr int COUNT = SIDE * SIDE;
    __shared__ float sums[ALONG_THREADS / WARP][COUNT];
    const int out = blockIdx.x * SIDE, row = blockIdx.y * SIDE, group = blockIdx.z;
    const bool in_fours = x_in_fours(p, group);
    // Beyond the last the last is read again and not written.
    const Weight* w[SIDE];
#pragma unroll
    for (int o = 0; o < SIDE; ++o) {
        const int from = group * p.outs + min(out + o, p.outs - 1);
        w[o] = static_cast<const Weight*>(p.w) + static_cast<long long>(from) * p.pitch;
    }
    float acc[COUNT] = {};
    for (int i = threadIdx.x * 4; i < p.ins; i += blockDim.x * 4) {
        float4 x[SIDE];
#pragma unroll
        for (int r = 0; r < SIDE; ++r)
            x[r] = x_four(p, in_fours, group, min(row + r, p.rows - 1), i);
#pragma unroll
        for (int o = 0; o < SIDE; ++o) {
            const float4 four = weight_four(w[o] + i);
#pragma unroll
            for (int r = 0; r < SIDE; ++r) {
                float& sum = acc[o * SIDE + r];
                sum = fmaf(four.x, x[r].x, sum);
                sum = fmaf(four.y, x[r].y, sum);
                sum = fmaf(four.z, x[r].z, sum);
                sum = fmaf(four.w, x[r].w, sum);
            }
        }
    }
    spread_sum(acc, sums[threadIdx.x / WARP]);
    __syncthreads();
    const int warps = blockDim.x / WARP;
    for (int n = threadIdx.x; n < COUNT; n += blockDim.x) {
        float total = 0.0f;
        for (int warp = 0; warp < warps; ++warp) total += sums[warp][n];
        const int o = out + n / SIDE, r = row + n % SIDE;
        if (o < p.outs && r < p.rows) finish(p, group, r, o, total);
    }
}

extern "C" __global__ void __launch_bounds__(ALONG_THREADS) matmul_along4_f32(PRODUCT_PARAMETERS) {
    along<float, 4>(PRODUCT);
}

extern "C" __global__ void __launch_bounds__(ALONG_THREADS) matmul_along4_f16(PRODUCT_PARAMETERS) {
    along<unsigned short, 4>(PRODUCT);
}

extern "C" __global__ void __launch_bounds__(ALONG_THREADS) matmul_along8_f32(PRODUCT_PARAMETERS) {
    along<float, 8>(PRODUCT);
}

extern "C" __global__ void __launch_bounds__(ALONG_THREADS) matmul_along8_f16(PRODUCT_PARAMETERS) {
    along<unsigned short, 8>(PRODUCT);
}

// --- Tiles --------------------------------------------------------------------------------------

// Outputs of a tile.
constexpr int TILE_OUTS = 64;

// The stretch of the sum that a block works on, in tiles of STEP inputs.
struct Stretch {
    int group, split, from, to;
};

template <int STEP>
__device__ inline Stretch stretch(const Product& p) {
    const int group = blockIdx.z / p.splits, split = blockIdx.z % p.splits;
    const int steps = (p.ins + STEP - 1) / STEP;
    const int each = (steps + p.splits - 1) / p.splits;
    return {group, split, split * each * STEP, min((split + 1) * each, steps) * STEP};
}

// The sums of a tile, [ROWS, 64] in shared memory, are done: they are finished here, or kept for
// `matmul_finish`. By way of shared memory, so that neighbours write neighbours, and so that the code
// of the activations is there once and not for each of a thread's sums.
template <int ROWS, int THREADS>
__device__ inline void give(const Product& p, const Stretch& s, const float* sums) {
    __syncthreads();
    const int groups = gridDim.z / p.splits;
#pragma unroll 1
    for (int n = threadIdx.x; n < ROWS * TILE_OUTS; n += THREADS) {
        const int row = blockIdx.y * ROWS + n / TILE_OUTS, out = blockIdx.x * TILE_OUTS + n % TILE_OUTS;
        if (row >= p.rows || out >= p.outs) continue;
        if (p.splits == 1) {
            finish(p, s.group, row, out, sums[n]);
        } else {
            const int at = (s.split * groups + s.group) * p.rows + row;
            p.partial[static_cast<long long>(at) * p.outs + out] = sums[n];
        }
    }
}

// f32: ROWS x 64 outputs, a thread gives 4 x 4 of them. Sixteen inputs at a time lie in shared
// memory, inputs outside and rows or outputs inside, so that a thread reads its four in one load. A
// pitch of 4 more than there are keeps the loads aligned and the transposed stores at two per bank.
// The next tile is on its way to registers while one is worked on.
template <int ROWS>
__device__ inline void tile_f32(const Product& p) {
    constexpr int OUTS = TILE_OUTS, STEP = 16, THREADS = ROWS * OUTS / 16;
    constexpr int FOURS = STEP / 4;
    constexpr int X_LOADS = ROWS * FOURS / THREADS, W_LOADS = OUTS * FOURS / THREADS;
    static_assert(X_LOADS * THREADS == ROWS * FOURS && W_LOADS * THREADS == OUTS * FOURS, "whole");
    constexpr int X_PITCH = ROWS + 4, W_PITCH = OUTS + 4;
    constexpr int TILES = STEP * (X_PITCH + W_PITCH), SUMS = ROWS * OUTS;
    // The tiles, and when these are done the sums.
    __shared__ __align__(16) float shared[TILES > SUMS ? TILES : SUMS];
    float *xs = shared, *ws = shared + STEP * X_PITCH;
    const Stretch s = stretch<STEP>(p);
    const int out = blockIdx.x * OUTS, row = blockIdx.y * ROWS, t = threadIdx.x;
    const bool in_fours = x_in_fours(p, s.group);
    const float* w = static_cast<const float*>(p.w) + static_cast<long long>(s.group) * p.outs * p.pitch;
    float4 next_x[X_LOADS], next_w[W_LOADS];
    const auto load = [&](int i) {
#pragma unroll
        for (int n = 0; n < X_LOADS; ++n) {
            const int at = t + n * THREADS;
            const int r = min(row + at / FOURS, p.rows - 1);
            next_x[n] = x_four(p, in_fours, s.group, r, i + at % FOURS * 4);
        }
#pragma unroll
        for (int n = 0; n < W_LOADS; ++n) {
            const int at = t + n * THREADS;
            const int o = min(out + at / FOURS, p.outs - 1);
            next_w[n] = weight_four(w + static_cast<long long>(o) * p.pitch + i + at % FOURS * 4);
        }
    };
    const auto put = [](float* to, int pitch, int at, float4 four) {
        to += at % FOURS * 4 * pitch + at / FOURS;
        to[0] = four.x, to[pitch] = four.y, to[2 * pitch] = four.z, to[3 * pitch] = four.w;
    };
    const int my_out = t % (OUTS / 4) * 4, my_row = t / (OUTS / 4) * 4;
    float acc[4][4] = {};
    if (s.from < s.to) load(s.from);
    for (int i = s.from; i < s.to; i += STEP) {
        // Nobody reads the last tile any more.
        __syncthreads();
#pragma unroll
        for (int n = 0; n < X_LOADS; ++n) put(xs, X_PITCH, t + n * THREADS, next_x[n]);
#pragma unroll
        for (int n = 0; n < W_LOADS; ++n) put(ws, W_PITCH, t + n * THREADS, next_w[n]);
        __syncthreads();
        if (i + STEP < s.to) load(i + STEP);
#pragma unroll
        for (int k = 0; k < STEP; ++k) {
            const float4 a = *reinterpret_cast<const float4*>(xs + k * X_PITCH + my_row);
            const float4 b = *reinterpret_cast<const float4*>(ws + k * W_PITCH + my_out);
            const float rows[4] = {a.x, a.y, a.z, a.w}, outs[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
            for (int r = 0; r < 4; ++r)
#pragma unroll
                for (int o = 0; o < 4; ++o) acc[r][o] = fmaf(rows[r], outs[o], acc[r][o]);
        }
    }
    __syncthreads();
#pragma unroll
    for (int r = 0; r < 4; ++r)
        *reinterpret_cast<float4*>(shared + (my_row + r) * OUTS + my_out) =
            make_float4(acc[r][0], acc[r][1], acc[r][2], acc[r][3]);
    give<ROWS, THREADS>(p, s, shared);
}

extern "C" __global__ void __launch_bounds__(64) matmul_tile_f32_16(PRODUCT_PARAMETERS) {
    tile_f32<16>(PRODUCT);
}

extern "C" __global__ void __launch_bounds__(256) matmul_tile_f32_64(PRODUCT_PARAMETERS) {
    tile_f32<64>(PRODUCT);
}

// f16 by matrix instructions of 16 x 8 x 8 (PTX ISA, "mma.sync.m16n8k8"). The sixteen are outputs
// and the eight rows: weights lie as the instruction wants its left side and x as its right one, and
// eight rows waste nothing. A block of four warps gives 64 outputs of ROWS rows, each warp sixteen.
// Thirty-two inputs at a time lie in shared memory; a pitch of 40 halves puts the eight rows of four
// words that a warp reads at once into 32 banks. Sums are of f32.
template <int ROWS>
__device__ inline void tile_f16(const Product& p) {
    constexpr int OUTS = TILE_OUTS, STEP = 32, THREADS = 128, LINE = STEP + 8;
    constexpr int X_FOURS = STEP / 4, W_EIGHTS = STEP / 8;
    constexpr int X_ALL = ROWS * X_FOURS, X_LOADS = (X_ALL + THREADS - 1) / THREADS;
    constexpr int W_LOADS = OUTS * W_EIGHTS / THREADS;
    constexpr int PARTS = ROWS / 8;
    constexpr int TILES = (ROWS + OUTS) * LINE / 2, SUMS = ROWS * OUTS;
    // The tiles, and when these are done the sums.
    __shared__ __align__(16) float shared[TILES > SUMS ? TILES : SUMS];
    unsigned short(*xs)[LINE] = reinterpret_cast<unsigned short(*)[LINE]>(shared);
    unsigned short(*ws)[LINE] = xs + ROWS;
    const Stretch s = stretch<STEP>(p);
    const int out = blockIdx.x * OUTS, row = blockIdx.y * ROWS, t = threadIdx.x;
    const bool in_fours = x_in_fours(p, s.group);
    const unsigned short* w =
        static_cast<const unsigned short*>(p.w) + static_cast<long long>(s.group) * p.outs * p.pitch;
    float4 next_x[X_LOADS];
    uint4 next_w[W_LOADS];
    const auto load = [&](int i) {
#pragma unroll
        for (int n = 0; n < X_LOADS; ++n) {
            const int at = t + n * THREADS;
            const int r = min(row + at / X_FOURS, p.rows - 1);
            if (at < X_ALL) next_x[n] = x_four(p, in_fours, s.group, r, i + at % X_FOURS * 4);
        }
#pragma unroll
        for (int n = 0; n < W_LOADS; ++n) {
            const int at = t + n * THREADS;
            const int o = min(out + at / W_EIGHTS, p.outs - 1);
            next_w[n] = *reinterpret_cast<const uint4*>(w + static_cast<long long>(o) * p.pitch + i +
                                                        at % W_EIGHTS * 8);
        }
    };
    const int lane = t % WARP, quad = lane / 4, pair = lane % 4 * 2;
    const int my_out = t / WARP * 16 + quad;
    float acc[PARTS][4] = {};
    if (s.from < s.to) load(s.from);
    for (int i = s.from; i < s.to; i += STEP) {
        __syncthreads();
#pragma unroll
        for (int n = 0; n < X_LOADS; ++n) {
            const int at = t + n * THREADS;
            if (at < X_ALL) {
                const float4 four = next_x[n];
                *reinterpret_cast<uint2*>(&xs[at / X_FOURS][at % X_FOURS * 4]) =
                    make_uint2(half_pair(four.x, four.y), half_pair(four.z, four.w));
            }
        }
#pragma unroll
        for (int n = 0; n < W_LOADS; ++n) {
            const int at = t + n * THREADS;
            *reinterpret_cast<uint4*>(&ws[at / W_EIGHTS][at % W_EIGHTS * 8]) = next_w[n];
        }
        __syncthreads();
        if (i + STEP < s.to) load(i + STEP);
#pragma unroll
        for (int k = 0; k < STEP; k += 8) {
            const unsigned a0 = *reinterpret_cast<const unsigned*>(&ws[my_out][k + pair]);
            const unsigned a1 = *reinterpret_cast<const unsigned*>(&ws[my_out + 8][k + pair]);
#pragma unroll
            for (int part = 0; part < PARTS; ++part) {
                const unsigned b = *reinterpret_cast<const unsigned*>(&xs[part * 8 + quad][k + pair]);
                float(&d)[4] = acc[part];
                asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
                    "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                    : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                    : "r"(a0), "r"(a1), "r"(b));
            }
        }
    }
    __syncthreads();
#pragma unroll
    for (int part = 0; part < PARTS; ++part)
#pragma unroll
        for (int n = 0; n < 4; ++n)
            shared[(part * 8 + pair + n % 2) * OUTS + my_out + n / 2 * 8] = acc[part][n];
    give<ROWS, THREADS>(p, s, shared);
}

extern "C" __global__ void __launch_bounds__(128) matmul_tile_f16_8(PRODUCT_PARAMETERS) {
    tile_f16<8>(PRODUCT);
}

extern "C" __global__ void __launch_bounds__(128) matmul_tile_f16_32(PRODUCT_PARAMETERS) {
    tile_f16<32>(PRODUCT);
}

// Adds up the stretches of a sum, always in the same order, and finishes it: a thread per output of a
// row and group.
extern "C" __global__ void __launch_bounds__(128) matmul_finish(PRODUCT_PARAMETERS, int groups) {
    const Product p = PRODUCT;
    const int out = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y, group = blockIdx.z;
    if (out >= p.outs) return;
    float sum = 0.0f;
    for (int split = 0; split < p.splits; ++split) {
        const int at = (split * groups + group) * p.rows + row;
        sum += p.partial[static_cast<long long>(at) * p.outs + out];
    }
    finish(p, group, row, out, sum);
}
