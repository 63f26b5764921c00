// A product of rows with weights, as every form of it sees it. The contract is that of
// `kernels/src/gpu/matmul.rs`.
#pragma once

#include "common.cuh"

// y[r, o] = activation(bias[o] + sum over i of w[o, i] * leaky(x[r, i])) + add[r, o], for each group.
//
// x[r, i] is x[r * x_stride + i / run * apart + i % run]: rows may overlap, and come in runs, so that
// a convolution is a product too. Groups follow each other: `run` values apart in x, `outs` in
// y, bias and add, `outs` rows in w.
struct Product {
    const float* x;
    int x_stride;
    int run;
    int apart;
    float x_slope;  // of `leaky` on what goes in; 1 leaves it as it is
    const void* w;  // [groups * outs, pitch], f32 or f16
    int pitch;      // `ins` rounded up to PITCH; weights beyond `ins` are 0
    const float* bias;  // [groups * outs] or null
    const float* add;   // null, or as y; may be y
    int add_stride;
    float* y;
    int y_stride;
    int rows;
    int outs;
    int ins;
    int activation;
    float slope;
    const long long* within;  // null, or which rows are frames of a signal: the others are 0
    int splits;      // into how many stretches the sum is cut
    float* partial;  // [splits, groups, rows, outs]; of no meaning for one split
};

// Scalars and not the struct itself, so that whoever launches needs not know how it is laid out.
#define PRODUCT_PARAMETERS                                                                       \
    const float *x, int x_stride, int run, int apart, float x_slope, const void *w, int pitch,   \
        const float *bias, const float *add, int add_stride, float *y, int y_stride, int rows,   \
        int outs, int ins, int activation, float slope, const long long *within, int splits,     \
        float *partial
#define PRODUCT                                                                                  \
    Product {                                                                                    \
        x, x_stride, run, apart, x_slope, w, pitch, bias, add, add_stride, y, y_stride, rows,    \
            outs, ins, activation, slope, within, splits, partial                                \
    }

// The padding of rows of weights: a whole tile, so that tiles of weights are loaded unguarded.
constexpr int PITCH = 32;

// Row r is frame within[0] + r of a signal, whose frames are 0 to within[1]. Both lie on the device, so
// that a recorded list of launches holds for every step.
__device__ inline bool is_within(const long long* within, int row) {
    const long long frame = within[0] + row;
    return frame >= 0 && frame < within[1];
}

__device__ inline void finish(const Product& p, int group, int row, int out, float sum) {
    const int o = group * p.outs + out;
    if (p.bias) sum += p.bias[o];
    float value = activate(p.activation, p.slope, sum);
    if (p.add) value += p.add[row * p.add_stride + o];
    if (p.within && !is_within(p.within, row)) value = 0.0f;
    p.y[row * p.y_stride + o] = value;
}

// Whether four neighbours of x that begin at a multiple of four are one aligned load. Inputs are whole
// runs, so that fours of the one are fours of the other.
__device__ inline bool x_in_fours(const Product& p, int group) {
    const unsigned long long start = reinterpret_cast<unsigned long long>(p.x + group * p.run);
    return p.run % 4 == 0 && p.x_stride % 4 == 0 && p.apart % 4 == 0 &&
           start % 16 == 0;
}

// x[row, i..i + 4], 0 from `ins` on: there the weights are 0 too, but what lies in memory may be no
// number.
__device__ inline float4 x_four(const Product& p, bool in_fours, int group, int row, int i) {
    const float* from = p.x + group * p.run + row * p.x_stride;
    const auto one = [&](int at) {
        return at < p.ins ? from[at / p.run * p.apart + at % p.run] : 0.0f;
    };
    float4 four = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    if (!in_fours) {
        four = make_float4(one(i), one(i + 1), one(i + 2), one(i + 3));
    } else if (i < p.ins) {
        four = *reinterpret_cast<const float4*>(from + i / p.run * p.apart + i % p.run);
    }
    return make_float4(leaky(four.x, p.x_slope), leaky(four.y, p.x_slope), leaky(four.z, p.x_slope),
                       leaky(four.w, p.x_slope));
}

// Half precision by its bits, without the headers of the toolkit.
__device__ inline float half_to_float(unsigned short half) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(half));
    return value;
}

// To the nearest; infinite from 65,520 on.
__device__ inline unsigned short half_of(float value) {
    unsigned short half;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(value));
    return half;
}

__device__ inline unsigned half_pair(float low, float high) {
    return half_of(low) | static_cast<unsigned>(half_of(high)) << 16;
}

// Four weights of a row that begin at a multiple of four.
__device__ inline float4 weight_four(const float* w) { return *reinterpret_cast<const float4*>(w); }

__device__ inline float4 weight_four(const unsigned short* w) {
    const ushort4 half = *reinterpret_cast<const ushort4*>(w);
    return make_float4(half_to_float(half.x), half_to_float(half.y), half_to_float(half.z),
                       half_to_float(half.w));
}
