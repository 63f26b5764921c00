// Entries of a table, added to frames.

#include "common.cuh"

// y[f, c] = activation(factor * (x[f, c] + table[index[f], c])); x may be null or y. An index beyond
// the last entry takes that: it must not read elsewhere.
extern "C" __global__ void __launch_bounds__(128)
    embedding(const float* x, const float* table, int entries, const unsigned* index, int width,
              float factor, int activation, float slope, float* y) {
    const int f = blockIdx.x, c = blockIdx.y * blockDim.x + threadIdx.x;
    if (c >= width) return;
    const unsigned entry = min(index[f], static_cast<unsigned>(entries - 1));
    float value = table[static_cast<long long>(entry) * width + c];
    const long long at = static_cast<long long>(f) * width + c;
    if (x) value += x[at];
    y[at] = activate(activation, slope, factor * value);
}
