// Products of matrices by tensor cores, in inline PTX: NVRTC alone has no headers.
typedef unsigned int u32;

// D = A B + C of one warp. A is [16, 8 or 16], row by row, B is [depth, 8] column by column, C and
// D are [16, 8] row by row. Values of 16 bits come in pairs.
extern "C" __global__ void half_8(const u32* a, const u32* b, const float* c, float* d) {
    int group = threadIdx.x / 4, inner = threadIdx.x % 4;
    u32 a0 = a[group * 4 + inner], a1 = a[(group + 8) * 4 + inner];
    u32 b0 = b[group * 4 + inner];
    float* out = d + group * 8 + inner * 2;
    const float* in = c + group * 8 + inner * 2;
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
        "{%7, %8, %9, %10};"
        : "=f"(out[0]), "=f"(out[1]), "=f"(out[64]), "=f"(out[65])
        : "r"(a0), "r"(a1), "r"(b0), "f"(in[0]), "f"(in[1]), "f"(in[64]), "f"(in[65]));
}

#define SIXTEEN(NAME, KIND)                                                                        \
    extern "C" __global__ void NAME(const u32* a, const u32* b, const float* c, float* d) {        \
        int group = threadIdx.x / 4, inner = threadIdx.x % 4;                                      \
        u32 a0 = a[group * 8 + inner], a1 = a[(group + 8) * 8 + inner];                            \
        u32 a2 = a[group * 8 + inner + 4], a3 = a[(group + 8) * 8 + inner + 4];                    \
        u32 b0 = b[group * 8 + inner], b1 = b[group * 8 + inner + 4];                              \
        float* out = d + group * 8 + inner * 2;                                                    \
        const float* in = c + group * 8 + inner * 2;                                               \
        asm("mma.sync.aligned.m16n8k16.row.col.f32." KIND "." KIND ".f32 {%0, %1, %2, %3}, "       \
            "{%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"                                    \
            : "=f"(out[0]), "=f"(out[1]), "=f"(out[64]), "=f"(out[65])                             \
            : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1), "f"(in[0]), "f"(in[1]),        \
              "f"(in[64]), "f"(in[65]));                                                           \
    }
SIXTEEN(half_16, "f16")
SIXTEEN(brain_16, "bf16")

extern "C" __global__ void tensor_8(const float* a, const float* b, const float* c, float* d) {
    int group = threadIdx.x / 4, inner = threadIdx.x % 4;
    u32 x[4], y[2];
    for (int i = 0; i < 4; i++) {
        float value = a[(group + i % 2 * 8) * 8 + inner + i / 2 * 4];
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(x[i]) : "f"(value));
    }
    for (int i = 0; i < 2; i++) {
        float value = b[group * 8 + inner + i * 4];
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y[i]) : "f"(value));
    }
    float* out = d + group * 8 + inner * 2;
    const float* in = c + group * 8 + inner * 2;
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%10, %11, %12, %13};"
        : "=f"(out[0]), "=f"(out[1]), "=f"(out[64]), "=f"(out[65])
        : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]), "f"(in[0]),
          "f"(in[1]), "f"(in[64]), "f"(in[65]));
}

extern "C" __global__ void tensor_4(const u32* a, const u32* b, const float* c, float* d) {
    int group = threadIdx.x / 4, inner = threadIdx.x % 4;
    float* out = d + group * 8 + inner * 2;
    const float* in = c + group * 8 + inner * 2;
    asm("mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
        "{%7, %8, %9, %10};"
        : "=f"(out[0]), "=f"(out[1]), "=f"(out[64]), "=f"(out[65])
        : "r"(a[group * 4 + inner]), "r"(a[(group + 8) * 4 + inner]), "r"(b[group * 4 + inner]),
          "f"(in[0]), "f"(in[1]), "f"(in[64]), "f"(in[65]));
}

// D = A B: A is [16, 16] and B is [16, 8], both row by row and of half precision. They go to
// shared memory by copies, and from there into fragments by ldmatrix, B transposed.
template <bool WAITS>
__device__ void staged_product(const uint4* a, const uint4* b, float* d, uint4* left,
                               uint4* right) {
    u32 to_left = (u32)__cvta_generic_to_shared(left + threadIdx.x);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to_left), "l"(a + threadIdx.x)
                 : "memory");
    if (threadIdx.x < 16) {
        u32 to_right = (u32)__cvta_generic_to_shared(right + threadIdx.x);
        asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(to_right),
                     "l"(b + threadIdx.x)
                     : "memory");
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
    if (WAITS) {
        asm volatile("cp.async.wait_group 0;" ::: "memory");
    } else {
        asm volatile("cp.async.wait_group 1;" ::: "memory");
    }
    __syncthreads();
    int lane = threadIdx.x;
    // Matrices: rows 0 to 7, rows 8 to 15, then the same of columns 8 to 15.
    u32 row = (u32)__cvta_generic_to_shared(left + lane % 16 * 2 + lane / 16);
    u32 x[4], y[2];
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(row)
                 : "memory");
    row = (u32)__cvta_generic_to_shared(right + lane % 16);
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                 : "=r"(y[0]), "=r"(y[1])
                 : "r"(row)
                 : "memory");
    float* out = d + lane / 4 * 8 + lane % 4 * 2;
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%10, %10, %10, %10};"
        : "=f"(out[0]), "=f"(out[1]), "=f"(out[64]), "=f"(out[65])
        : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]), "f"(0.0f));
}

extern "C" __global__ void staged(const uint4* a, const uint4* b, float* d) {
    __shared__ uint4 left[32];
    __shared__ uint4 right[16];
    staged_product<true>(a, b, d, left, right);
}

// Reads what is still under way.
extern "C" __global__ void staged_early(const uint4* a, const uint4* b, float* d) {
    __shared__ uint4 left[32];
    __shared__ uint4 right[16];
    staged_product<false>(a, b, d, left, right);
}
