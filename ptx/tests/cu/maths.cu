// Functions of CUDA's library, as NVRTC writes them. out is [functions, n].
extern "C" __global__ void maths(const float* x, float* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) {
        return;
    }
    float v = x[i];
    float a = fabsf(v);
    out[0 * n + i] = expf(v);
    out[1 * n + i] = logf(a);
    out[2 * n + i] = sinf(v);
    out[3 * n + i] = cosf(v);
    out[4 * n + i] = tanhf(v);
    out[5 * n + i] = sqrtf(a);
    out[6 * n + i] = rsqrtf(a);
    out[7 * n + i] = 1.0f / v;
    out[8 * n + i] = v / 3.0f;
    out[9 * n + i] = powf(a, 1.3f);
    out[10 * n + i] = floorf(v);
    out[11 * n + i] = rintf(v);
    out[12 * n + i] = erff(v);
    out[13 * n + i] = expm1f(v);
    out[14 * n + i] = log1pf(a);
    out[15 * n + i] = fmodf(v, 0.7f);
    out[16 * n + i] = atan2f(v, 0.5f);
    out[17 * n + i] = exp2f(v);
    out[18 * n + i] = fminf(v, 0.25f);
    out[19 * n + i] = (float)exp((double)v);
}
