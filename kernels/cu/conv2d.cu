// What lies between convolutions over images; these themselves are products (`matmul.cu`).
//
// An image is [height, width, channels] in a frame of zeros, so that a convolution of 3 x 3 reads no place
// that is not there: every row is followed by one pixel of zeros, which is also the one before the next, and
// a row of zeros lies above and below. Arguments are places of first pixels. A product writes what is no
// number of the image to the pixels behind rows: the kernels here make them zeros again, and the row below.

#include "common.cuh"

// A thread per value of the frame: the pixel behind each row, then the row below.
extern "C" __global__ void __launch_bounds__(256)
    image_frame(float* y, int height, int width, int channels) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x, p = n / channels;
    if (p > height + width) return;
    const int at = p < height ? p * (width + 1) + width : height * width + p;
    y[at * channels + n % channels] = 0.0f;
}

// y is half as high and wide as x, [height, width, channels], of the means of 2 x 2 pixels. A thread per
// value of y and its frame.
extern "C" __global__ void __launch_bounds__(256)
    image_halve(const float* __restrict__ x, int height, int width, int channels, float* __restrict__ y) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x, p = n / channels;
    const int pitch = width / 2 + 1, t = p / pitch, f = p % pitch;
    if (t > height / 2) return;
    float mean = 0.0f;
    if (t < height / 2 && f < width / 2) {
        const int row = (width + 1) * channels;
        const float* from = x + 2 * t * row + 2 * f * channels + n % channels;
        mean = 0.25f * (from[0] + from[channels] + from[row] + from[row + channels]);
    }
    y[n] = mean;
}

// y is twice as high and wide as an image of [height, width] pixels. Its first `channels` values are those
// that `x`, [height, width + 1, 4, channels], has of its four pixels for each of that image: even row and
// column, odd column, odd row, both odd. The `more` behind them are those of `passed`, an image of that
// size. A thread per value of y and its frame.
extern "C" __global__ void __launch_bounds__(256)
    image_join(const float* __restrict__ x, int height, int width, int channels,
               const float* __restrict__ passed, int more, float* __restrict__ y) {
    const int all = channels + more;
    const int n = blockIdx.x * blockDim.x + threadIdx.x, p = n / all, c = n % all;
    const int pitch = 2 * width + 1, t = p / pitch, f = p % pitch;
    if (t > 2 * height) return;
    float value = 0.0f;
    if (t < 2 * height && f < 2 * width) {
        const int from = (t / 2 * (width + 1) + f / 2) * 4 + t % 2 * 2 + f % 2;
        value = c < channels ? x[from * channels + c] : passed[p * more + c - channels];
    }
    y[n] = value;
}
