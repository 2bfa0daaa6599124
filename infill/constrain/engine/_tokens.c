/* Runs every token of a vocabulary through the lexer: what `_effects` of lexing/tokens.py does in
 * Python, which is its oracle. Tokens come sorted, so that each shares the longest prefix with the
 * one before; what was written is kept as a trie of symbols, sets of alternatives are interned.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int32_t i32;
typedef int64_t i64;
typedef uint64_t u64;
#define EXPORT __attribute__((visibility("default")))
enum { NO_MEMORY = -2, MOST = 1024, LONGEST = 1024 };

typedef struct { i32 run, state; } Path;

typedef struct {
  i32 *parent, *symbol; i32 nruns, capruns; i32 *run_table; u64 cap_table;
  i32 *move_at; Path *paths; i32 nmoves, capmoves; i64 npaths, cappaths; i32 *move_table; u64 cap_moves;
} Read;

static u64 mix(u64 x) { x ^= x >> 32; x *= 0xd6e8feb86659fd93ull; x ^= x >> 32; x *= 0xd6e8feb86659fd93ull; return x ^ x >> 32; }

static int wider(void **data, i64 *cap, i64 need, size_t size) {
  if (need <= *cap) return 0;
  i64 more = 2 * need + 64;
  void *fresh = realloc(*data, (size_t)more * size);
  if (!fresh) return NO_MEMORY;
  *data = fresh; *cap = more;
  return 0;
}

static i32 extended(Read *r, i32 run, i32 symbol) {
  u64 at = mix((u64)(uint32_t)run << 32 | (uint32_t)symbol) & (r->cap_table - 1);
  for (i32 x; (x = r->run_table[at]) >= 0; at = (at + 1) & (r->cap_table - 1))
    if (r->parent[x] == run && r->symbol[x] == symbol) return x;
  if (r->nruns == r->capruns) {
    i64 cap = r->capruns, cap2 = r->capruns;
    if (wider((void **)&r->parent, &cap, r->nruns + 1, 4) || wider((void **)&r->symbol, &cap2, r->nruns + 1, 4)) return NO_MEMORY;
    r->capruns = (i32)cap;
  }
  i32 made = r->nruns++;
  r->parent[made] = run; r->symbol[made] = symbol;
  r->run_table[at] = made;
  if (2 * (u64)r->nruns > r->cap_table) {
    u64 cap = 2 * r->cap_table;
    i32 *fresh = malloc(cap * 4);
    if (!fresh) return NO_MEMORY;
    memset(fresh, 0xff, cap * 4);
    for (i32 x = 1; x < r->nruns; x++) {
      u64 to = mix((u64)(uint32_t)r->parent[x] << 32 | (uint32_t)r->symbol[x]) & (cap - 1);
      while (fresh[to] >= 0) to = (to + 1) & (cap - 1);
      fresh[to] = x;
    }
    free(r->run_table); r->run_table = fresh; r->cap_table = cap;
  }
  return made;
}

static u64 hash_paths(const Path *p, i32 n) { u64 x = (u64)n; for (i32 i = 0; i < n; i++) x = mix(x ^ ((u64)(uint32_t)p[i].run << 32 | (uint32_t)p[i].state)) + 1; return x; }

static i32 interned(Read *r, const Path *p, i32 n) {
  u64 at = hash_paths(p, n) & (r->cap_moves - 1);
  for (i32 x; (x = r->move_table[at]) >= 0; at = (at + 1) & (r->cap_moves - 1))
    if (r->move_at[x + 1] - r->move_at[x] == n && !memcmp(r->paths + r->move_at[x], p, (size_t)n * sizeof *p)) return x;
  i64 cap = r->capmoves;
  if (wider((void **)&r->move_at, &cap, r->nmoves + 2, 4) || wider((void **)&r->paths, &r->cappaths, r->npaths + n, sizeof *p)) return NO_MEMORY;
  r->capmoves = (i32)cap;
  memcpy(r->paths + r->npaths, p, (size_t)n * sizeof *p);
  r->npaths += n;
  i32 made = r->nmoves++;
  r->move_at[made + 1] = (i32)r->npaths;
  r->move_table[at] = made;
  if (2 * (u64)r->nmoves > r->cap_moves) {
    u64 wide = 2 * r->cap_moves;
    i32 *fresh = malloc(wide * 4);
    if (!fresh) return NO_MEMORY;
    memset(fresh, 0xff, wide * 4);
    for (i32 x = 0; x < r->nmoves; x++) {
      u64 to = hash_paths(r->paths + r->move_at[x], r->move_at[x + 1] - r->move_at[x]) & (wide - 1);
      while (fresh[to] >= 0) to = (to + 1) & (wide - 1);
      fresh[to] = x;
    }
    free(r->move_table); r->move_table = fresh; r->cap_moves = wide;
  }
  return made;
}

static void cleared(Read *r) {
  free(r->parent); free(r->symbol); free(r->run_table); free(r->move_at); free(r->paths); free(r->move_table);
}

/* numbers [n, states] is filled with what is equal where two tokens do the same; 0, or an error
 * where memory ran out or a token has too many readings. */
EXPORT int tokens_effects(i32 nstates, const i32 *states, const i32 *lex, const i32 *move_at, const i32 *move_pairs, const i32 *out_at, const i32 *out_syms,
                          const i32 *mode_of, const u64 *after, i32 modes, i32 nsymbols, i32 n, const i32 *token_at, const unsigned char *bytes, i32 *numbers) {
  Read read = {0}, *r = &read;
  r->capruns = 1024; r->parent = calloc((size_t)r->capruns, 4); r->symbol = calloc((size_t)r->capruns, 4); r->nruns = 1;
  r->cap_table = 4096; r->run_table = malloc(r->cap_table * 4);
  r->capmoves = 1024; r->move_at = calloc((size_t)r->capmoves + 1, 4);
  r->cap_moves = 4096; r->move_table = malloc(r->cap_moves * 4);
  Path *paths = malloc((LONGEST + 1) * MOST * sizeof *paths);
  i32 *counts = malloc((LONGEST + 1) * sizeof *counts);
  int bad = !r->parent || !r->symbol || !r->run_table || !r->move_at || !r->move_table || !paths || !counts;
  if (!bad) { memset(r->run_table, 0xff, r->cap_table * 4); memset(r->move_table, 0xff, r->cap_moves * 4); }
  for (i32 q = 0; q < nstates && !bad; q++) {
    paths[0] = (Path){0, states[q]}; counts[0] = 1;
    i32 known = 0; /* levels of `paths` that are good */
    for (i32 t = 0; t < n && !bad; t++) {
      const unsigned char *data = bytes + token_at[t];
      i32 length = token_at[t + 1] - token_at[t], shared = 0;
      if (t) {
        const unsigned char *was = bytes + token_at[t - 1];
        i32 before = token_at[t] - token_at[t - 1];
        while (shared < before && shared < length && was[shared] == data[shared]) shared++;
      }
      if (length > LONGEST) { bad = 1; break; }
      if (shared < known) known = shared;
      i32 level = known;
      while (level < length && counts[level]) {
        Path *from = paths + (i64)level * MOST, *to = from + MOST;
        i32 m = 0;
        for (i32 p = 0; p < counts[level] && !bad; p++) {
          i32 move = lex[(i64)from[p].state * 256 + data[level]];
          if (move < 0) continue;
          for (i32 w = move_at[move]; w < move_at[move + 1]; w++) {
            i32 run = from[p].run, can = 1;
            for (i32 s = out_at[move_pairs[2 * w]]; s < out_at[move_pairs[2 * w] + 1] && run >= 0 && can; s++) {
              i32 mode = mode_of[out_syms[s]];
              if (run && mode >= 0) { /* Follows.allows */
                i32 last = r->symbol[run], parent = r->parent[run], before = parent ? mode_of[r->symbol[parent]] : -1;
                can = mode_of[last] >= 0 ? mode_of[last] == mode : (int)(after[(i64)(before < 0 ? modes : before) * nsymbols + last] >> mode & 1);
              }
              if (can) run = extended(r, run, out_syms[s]);
            }
            if (run < 0) { bad = 1; break; }
            if (!can) continue;
            Path path = {run, move_pairs[2 * w + 1]};
            i32 at = 0;
            while (at < m && (to[at].run < run || (to[at].run == run && to[at].state < path.state))) at++;
            if (at < m && to[at].run == run && to[at].state == path.state) continue;
            if (m == MOST) { bad = 1; break; }
            memmove(to + at + 1, to + at, (size_t)(m - at) * sizeof *to);
            to[at] = path; m++;
          }
        }
        counts[++level] = m;
      }
      known = level;
      i32 count = level < length ? 0 : counts[level], number = -1; /* it may have died on the way */
      if (count && (number = interned(r, paths + (i64)level * MOST, count)) < -1) bad = 1;
      numbers[(i64)t * nstates + q] = number;
    }
  }
  free(paths); free(counts);
  cleared(r);
  return bad ? NO_MEMORY : 0;
}
