/* Steps of WaveRNN in 8-bit products, for processors with AVX-512 VNNI. `kernel.py` compiles and calls it.

A step has few multiplications and many bytes of weights: with one fold, its floor is to read them all. So they are kept
in 8 bits, each output's by a scale of its own; what they are multiplied with is rounded to 8 bits too, each row (fold)
by a scale of its own, the states of the recurrent layers, which lie in -1 to 1, by 1 / 127. Sums are exact integers, so
that what becomes of a row does not depend on the others.

Each thread owns some of the outputs of each layer and some of the rows, and the threads meet between layers.
Weights of an output stand in tiles of 16 outputs: [outputs / 16][inputs / 4][16][4].
Bytes they are multiplied with are unsigned, 128 more than what they mean; `sums`, 128 times the sum of an output's
weights, takes that back. */

#include <immintrin.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define TILE 16
#define STATE_SCALE (1.0f / 127.0f)
#define AT_ONCE 5 /* rows whose gates' sums fit the registers: 4 are 10 % slower, 8 half as fast */

typedef struct {
    int32_t inputs, outputs;
    const int8_t *weights;
    const float *scales;
    const int32_t *sums;
} Matrix;

/* Of a recurrent layer, the three gates' tiles of the same 16 units stand together: [units / 16][inputs / 4][3][16][4];
   scales and sums are (3, units). */
typedef struct {
    int32_t units;
    const int8_t *input, *hidden;
    const float *input_scales, *hidden_scales, *hidden_bias;
    const int32_t *input_sums, *hidden_sums;
} Gru;

typedef struct {
    int32_t units, mixtures; /* mixtures: 0 draws levels */
    int32_t levels;          /* the outputs that count; the rest fill a tile */
    const float *sample;     /* (units,) what the sample before says to the first layer */
    const float *gru1_bias;  /* (3 * units,) of the first recurrent layer's input */
    Gru gru1, gru2;
    Matrix fc1, fc2, fc3;
    const float *fc3_bias;
} Network;

typedef struct {
    int32_t hop, taps, frames;
    const float *first, *spread, *first_own, *gates, *fc1, *fc2; /* as in generation.Conditions */
} Conditions;

typedef struct {
    int32_t rows, width; /* width: of a row of `bytes` and `values`, as long as the longest layer */
    const int64_t *starts;
    const float *chances; /* (rows, steps in all, 2) */
    int64_t chances_row, step;
    float *before;                       /* (rows,) */
    float *x, *values;                   /* (rows, width) */
    float *hidden1, *hidden2;            /* (rows, units) */
    uint8_t *bytes, *state1[2], *state2[2]; /* (rows, width), (rows, units) twice: the step before, and this one */
    float *scales;                       /* (rows,) of `bytes` */
    atomic_int arrived, round;
} Run;

static void meet(Run *run, int threads)
{
    if (threads == 1)
        return;
    int round = atomic_load(&run->round);
    if (atomic_fetch_add(&run->arrived, 1) == threads - 1) {
        atomic_store(&run->arrived, 0);
        atomic_store(&run->round, round + 1);
        return;
    }
    for (int waited = 0; atomic_load(&run->round) == round; waited++) {
        if (waited < 4000)
            _mm_pause();
        else
            sched_yield(); /* the other one has no core of its own */
    }
}

/* ---- numbers, 16 at a time */

static inline __m512 exponential(__m512 x)
{
    x = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(88.0f)), _mm512_set1_ps(-87.0f));
    __m512 whole = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT);
    __m512 rest = _mm512_fnmadd_ps(whole, _mm512_set1_ps(0.693359375f), x);
    rest = _mm512_fnmadd_ps(whole, _mm512_set1_ps(-2.12194440e-4f), rest);
    __m512 sum = _mm512_set1_ps(1.0f / 720);
    const float taylor[] = {1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
    for (int i = 0; i < 6; i++)
        sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(taylor[i]));
    return _mm512_scalef_ps(sum, whole);
}

static inline __m512 sigmoid(__m512 x)
{
    __m512 one = _mm512_set1_ps(1.0f);
    return _mm512_div_ps(one, _mm512_add_ps(one, exponential(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}

static inline __m512 hyperbolic_tangent(__m512 x)
{
    return _mm512_fmsub_ps(_mm512_set1_ps(2.0f), sigmoid(_mm512_add_ps(x, x)), _mm512_set1_ps(1.0f));
}

static inline void store_bytes(uint8_t *to, __m512 values, float factor)
{
    __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(values, _mm512_set1_ps(factor)));
    whole = _mm512_add_epi32(whole, _mm512_set1_epi32(128));
    whole = _mm512_max_epi32(whole, _mm512_setzero_si512());
    _mm_storeu_si128((__m128i *)to, _mm512_cvtusepi32_epi8(whole));
}

/* A row of values as bytes; returns their scale. */
static float to_bytes(const float *values, uint8_t *bytes, int count)
{
    __m512 most = _mm512_set1_ps(1e-6f);
    for (int i = 0; i < count; i += TILE)
        most = _mm512_max_ps(most, _mm512_abs_ps(_mm512_loadu_ps(values + i)));
    float largest = _mm512_reduce_max_ps(most);
    for (int i = 0; i < count; i += TILE)
        store_bytes(bytes + i, _mm512_loadu_ps(values + i), 127.0f / largest);
    return largest / 127.0f;
}

static inline __m512i four_bytes(const uint8_t *at)
{
    int32_t word;
    memcpy(&word, at, 4);
    return _mm512_set1_epi32(word);
}

static inline __m512 meant(__m512i sum, const int32_t *sums, __m512 scales, float scale)
{
    __m512i exact = _mm512_sub_epi32(sum, _mm512_loadu_si512(sums));
    return _mm512_mul_ps(_mm512_cvtepi32_ps(exact), _mm512_mul_ps(scales, _mm512_set1_ps(scale)));
}

/* ---- layers */

/* The frame that a row is in, and the place of its sample in the frame. */
static inline int frame_of(const Conditions *known, const Run *run, int row, int64_t step, int *phase)
{
    int64_t at = run->starts[row] + step, frame = at / known->hop;
    *phase = (int)(at % known->hop);
    return (int)(frame < known->frames ? frame : known->frames - 1);
}

/* What the first layer gives: (units,) into x, as bytes too. */
static void hear(const Network *net, const Conditions *known, Run *run, int row, int64_t step)
{
    int phase, frame = frame_of(known, run, row, step, &phase), reach = known->taps / 2, units = net->units;
    float *x = run->x + (int64_t)row * run->width;
    const float *own = known->first_own + (int64_t)frame * units;
    const float *spread = known->spread + phase * known->taps;
    __m512 before = _mm512_set1_ps(run->before[row]);
    for (int i = 0; i < units; i += TILE) {
        __m512 sum = _mm512_fmadd_ps(before, _mm512_loadu_ps(net->sample + i), _mm512_loadu_ps(own + i));
        for (int tap = 0; tap < known->taps; tap++) {
            int other = frame + tap - reach;
            other = other < 0 ? 0 : other < known->frames ? other : known->frames - 1;
            __m512 heard = _mm512_loadu_ps(known->first + (int64_t)other * units + i);
            sum = _mm512_fmadd_ps(_mm512_set1_ps(spread[tap]), heard, sum);
        }
        _mm512_storeu_ps(x + i, sum);
    }
    run->scales[row] = to_bytes(x, run->bytes + (int64_t)row * run->width, units);
}

/* The sums of the three gates of 16 units, for some rows of bytes. */
static inline __attribute__((always_inline)) void gate_sums(const int8_t *weights, const uint8_t *bytes, int64_t stride,
    int inputs, const int rows, __m512i sums[AT_ONCE][3])
{
    for (int r = 0; r < rows; r++)
        for (int gate = 0; gate < 3; gate++)
            sums[r][gate] = _mm512_setzero_si512();
    for (int k = 0; k < inputs; k += 4, weights += 3 * 64) {
        __m512i of_gate[3];
        for (int gate = 0; gate < 3; gate++)
            of_gate[gate] = _mm512_loadu_si512(weights + gate * 64);
        for (int r = 0; r < rows; r++) {
            __m512i x = four_bytes(bytes + r * stride + k);
            for (int gate = 0; gate < 3; gate++)
                sums[r][gate] = _mm512_dpbusd_epi32(sums[r][gate], x, of_gate[gate]);
        }
    }
}

/* 16 units of a recurrent layer for some rows. */
static inline __attribute__((always_inline)) void gru_tile(const Gru *gru, Run *run, int tile, int row, const int rows,
    const float *bias, const int64_t *bias_rows, float *hidden, const uint8_t *was, uint8_t *is)
{
    const int units = gru->units, unit = tile * TILE;
    const int64_t weights = (int64_t)tile * units * 3 * TILE;
    __m512i of_input[AT_ONCE][3], of_state[AT_ONCE][3];
    gate_sums(gru->input + weights, run->bytes + (int64_t)row * run->width, run->width, units, rows, of_input);
    gate_sums(gru->hidden + weights, was + (int64_t)row * units, units, units, rows, of_state);
    for (int r = 0; r < rows; r++) {
        const float *known = bias + bias_rows[row + r];
        __m512 gates[3], own[3];
        for (int gate = 0; gate < 3; gate++) {
            int at = gate * units + unit;
            gates[gate] = meant(of_input[r][gate], gru->input_sums + at, _mm512_loadu_ps(gru->input_scales + at),
                                run->scales[row + r]);
            gates[gate] = _mm512_add_ps(gates[gate], _mm512_loadu_ps(known + at));
            own[gate] = meant(of_state[r][gate], gru->hidden_sums + at, _mm512_loadu_ps(gru->hidden_scales + at),
                              STATE_SCALE);
            own[gate] = _mm512_add_ps(own[gate], _mm512_loadu_ps(gru->hidden_bias + at));
        }
        __m512 reset = sigmoid(_mm512_add_ps(gates[0], own[0])), keep = sigmoid(_mm512_add_ps(gates[1], own[1]));
        __m512 new = hyperbolic_tangent(_mm512_fmadd_ps(reset, own[2], gates[2]));
        float *at = hidden + (int64_t)(row + r) * units + unit;
        __m512 next = _mm512_fmadd_ps(keep, _mm512_sub_ps(_mm512_loadu_ps(at), new), new);
        _mm512_storeu_ps(at, next);
        store_bytes(is + (int64_t)(row + r) * units + unit, next, 127.0f);
    }
}

static void gru_layer(const Gru *gru, Run *run, int thread, int threads, const float *bias, const int64_t *bias_rows,
    float *hidden, const uint8_t *was, uint8_t *is)
{
    int tiles = gru->units / TILE;
    for (int tile = tiles * thread / threads; tile < tiles * (thread + 1) / threads; tile++) {
        int row = 0;
#define ROWS(count) gru_tile(gru, run, tile, row, count, bias, bias_rows, hidden, was, is)
        for (; row + AT_ONCE <= run->rows; row += AT_ONCE)
            ROWS(AT_ONCE);
        switch (run->rows - row) {
        case 4: ROWS(4); break;
        case 3: ROWS(3); break;
        case 2: ROWS(2); break;
        case 1: ROWS(1); break;
        }
#undef ROWS
    }
}

/* 64 outputs, or fewer at the end, of a layer for some rows: into `values`. */
static inline __attribute__((always_inline)) void dense_tiles(const Matrix *matrix, Run *run, int tile, const int tiles,
    int row, const int rows, const float *bias, const int64_t *bias_rows, int rectify)
{
    const int64_t stride = (int64_t)matrix->inputs * TILE;
    const int8_t *weights = matrix->weights + tile * stride;
    __m512i sums[6][4];
    for (int r = 0; r < rows; r++)
        for (int t = 0; t < tiles; t++)
            sums[r][t] = _mm512_setzero_si512();
    for (int k = 0; k < matrix->inputs; k += 4, weights += 64) {
        __m512i of_tile[4];
        for (int t = 0; t < tiles; t++)
            of_tile[t] = _mm512_loadu_si512(weights + t * stride);
        for (int r = 0; r < rows; r++) {
            __m512i x = four_bytes(run->bytes + (int64_t)(row + r) * run->width + k);
            for (int t = 0; t < tiles; t++)
                sums[r][t] = _mm512_dpbusd_epi32(sums[r][t], x, of_tile[t]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int t = 0; t < tiles; t++) {
            int at = (tile + t) * TILE;
            __m512 value = meant(sums[r][t], matrix->sums + at, _mm512_loadu_ps(matrix->scales + at),
                                 run->scales[row + r]);
            value = _mm512_add_ps(value, _mm512_loadu_ps(bias + bias_rows[row + r] + at));
            if (rectify)
                value = _mm512_max_ps(value, _mm512_setzero_ps());
            _mm512_storeu_ps(run->values + (int64_t)(row + r) * run->width + at, value);
        }
}

static void dense_layer(const Matrix *matrix, Run *run, int thread, int threads, const float *bias,
    const int64_t *bias_rows, int rectify)
{
    int all = matrix->outputs / TILE, tile = all * thread / threads, end = all * (thread + 1) / threads;
    for (; tile < end;) {
        int tiles = end - tile >= 4 ? 4 : 1, row = 0;
#define ROWS(count) \
    (tiles == 4 ? dense_tiles(matrix, run, tile, 4, row, count, bias, bias_rows, rectify) \
                : dense_tiles(matrix, run, tile, 1, row, count, bias, bias_rows, rectify))
        for (; row + 6 <= run->rows; row += 6)
            ROWS(6);
        switch (run->rows - row) {
        case 5: ROWS(5); break;
        case 4: ROWS(4); break;
        case 3: ROWS(3); break;
        case 2: ROWS(2); break;
        case 1: ROWS(1); break;
        }
#undef ROWS
        tile += tiles;
    }
}

/* ---- what is said */

/* One of `count`, by the probability that its logit gives it: the first at which the sum of all up to it exceeds `chance`
   of the whole. shares: scratch of (count,), rounded up to a tile. */
static int draw(const float *logits, int count, float chance, float *shares)
{
    float most = -INFINITY, sum = 0;
    for (int i = 0; i < count; i++)
        most = logits[i] > most ? logits[i] : most;
    __m512 all = _mm512_setzero_ps();
    for (int i = 0; i < count; i += TILE) {
        __mmask16 there = count - i >= TILE ? 0xFFFF : (__mmask16)((1u << (count - i)) - 1);
        __m512 share = exponential(_mm512_sub_ps(_mm512_maskz_loadu_ps(there, logits + i), _mm512_set1_ps(most)));
        share = _mm512_maskz_mov_ps(there, share);
        _mm512_storeu_ps(shares + i, share);
        all = _mm512_add_ps(all, share);
    }
    float wanted = chance * _mm512_reduce_add_ps(all);
    for (int i = 0; i < count; i++) {
        sum += shares[i];
        if (sum > wanted)
            return i;
    }
    return count - 1;
}

static float say(const Network *net, const float *outputs, const float *chances)
{
    float shares[4096 + TILE];
    if (!net->mixtures)
        return draw(outputs, net->levels, chances[0], shares) * (2.0f / (net->levels - 1)) - 1.0f;
    int chosen = draw(outputs, net->mixtures, chances[0], shares);
    float mean = outputs[net->mixtures + chosen], scale = outputs[2 * net->mixtures + chosen];
    float even = fminf(fmaxf(chances[1], 1e-5f), 1 - 1e-5f);
    float value = mean + expf(fminf(fmaxf(scale, -14.0f), 3.0f)) * (logf(even) - logf(1 - even));
    return fminf(fmaxf(value, -1.0f), 1.0f);
}

/* ---- all together */

static void add_state(Run *run, const float *hidden, int units, int from, int to)
{
    for (int row = from; row < to; row++) {
        float *x = run->x + (int64_t)row * run->width;
        const float *state = hidden + (int64_t)row * units;
        for (int i = 0; i < units; i++)
            x[i] += state[i];
        run->scales[row] = to_bytes(x, run->bytes + (int64_t)row * run->width, units);
    }
}

static void values_to_bytes(Run *run, int count, int from, int to)
{
    for (int row = from; row < to; row++) {
        int64_t at = (int64_t)row * run->width;
        run->scales[row] = to_bytes(run->values + at, run->bytes + at, count);
    }
}

/* `steps` samples of each row into out (rows, out_row); one call a thread, all at once. outputs: where not NULL, what
   the last sample was drawn from, (rows, levels). nowhere, gates_at, fc1_at, fc2_at: scratch of (rows,) each. */
void go(const Network *net, const Conditions *known, Run *run, int steps, int thread, int threads, float *out,
        int64_t out_row, float *outputs, int64_t *nowhere, int64_t *gates_at, int64_t *fc1_at, int64_t *fc2_at)
{
    int from = run->rows * thread / threads, to = run->rows * (thread + 1) / threads, units = net->units;
    int64_t first = run->step;
    for (int i = 0; i < steps; i++) {
        int64_t step = first + i;
        int now = (int)(step & 1);
        for (int row = from; row < to; row++) {
            int phase, frame = frame_of(known, run, row, step, &phase);
            nowhere[row] = 0;
            gates_at[row] = (int64_t)frame * 3 * units;
            fc1_at[row] = (int64_t)frame * net->fc1.outputs;
            fc2_at[row] = (int64_t)frame * net->fc2.outputs;
            hear(net, known, run, row, step);
        }
        meet(run, threads);
        gru_layer(&net->gru1, run, thread, threads, net->gru1_bias, nowhere, run->hidden1, run->state1[!now],
                  run->state1[now]);
        meet(run, threads);
        add_state(run, run->hidden1, units, from, to);
        meet(run, threads);
        gru_layer(&net->gru2, run, thread, threads, known->gates, gates_at, run->hidden2, run->state2[!now],
                  run->state2[now]);
        meet(run, threads);
        add_state(run, run->hidden2, units, from, to);
        meet(run, threads);
        dense_layer(&net->fc1, run, thread, threads, known->fc1, fc1_at, 1);
        meet(run, threads);
        values_to_bytes(run, net->fc1.outputs, from, to);
        meet(run, threads);
        dense_layer(&net->fc2, run, thread, threads, known->fc2, fc2_at, 1);
        meet(run, threads);
        values_to_bytes(run, net->fc2.outputs, from, to);
        meet(run, threads);
        dense_layer(&net->fc3, run, thread, threads, net->fc3_bias, nowhere, 0);
        meet(run, threads);
        for (int row = from; row < to; row++) {
            const float *said = run->values + (int64_t)row * run->width;
            if (outputs && i == steps - 1)
                memcpy(outputs + (int64_t)row * net->levels, said, sizeof(float) * net->levels);
            run->before[row] = say(net, said, run->chances + row * run->chances_row + 2 * step);
            out[row * out_row + i] = run->before[row];
        }
    }
    meet(run, threads);
    if (thread == 0)
        run->step = first + steps;
}
