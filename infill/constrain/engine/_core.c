/* The compiled core of the constraint engine: what stacks.py, writing.py, lattice.py and search.py
 * do, and nothing else. Those are its oracle: the names are theirs, the docstrings are there, and
 * tests/laws/test_grammars.py compares the two.
 *
 * A set of stacks, and a front, is a sorted map int -> set, hash-consed: equal maps have one
 * number. Every operation is memoised. Errors leave by longjmp to the entry point, which returns
 * a negative code; the arena stays valid, what was half done is only not memoised.
 */
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int32_t i32;
typedef int64_t i64;
typedef uint32_t u32;
typedef uint64_t u64;

#define EXPORT __attribute__((visibility("default")))
#define EMPTY 0
#define ROOT 1
#define COLUMN (1 << 20)
#define SMALL 16384
#define DEEPEST 20000 /* nested calls; a stack of the parser can be that high */
enum { NO_MEMORY = -2, TOO_LARGE = -3, TOO_DEEP = -4 };
enum { UNION = 1, MEET, POP, UNPOP, STEP, BACK, WRITE, UNWRITE, FILTER, FORWARD, BACKWARD, ENDED, RUN,
       CLOSE, MEETS, UNIONS, ONLY, UNFAN, PART, LONG };
enum { MODE, INSIDE, OUTSIDE, DEEPER, SHALLOWER, SAME, COMPLETE };
enum { TEXT, TOKEN, OPEN, CLOSE_GUARD };

typedef struct { i64 at; i32 count; } Span;
typedef struct { u64 a, b; i32 value; } Memo;
typedef struct { i32 run, target; } Way;
typedef struct { i32 kind, data, from, count, ours; } Piece;
/* What tokens do from a state: a trie of what is written, with where that leads and by which
 * classes. What the parser refuses is not gone into. Node 0 is the empty run. */
typedef struct { i32 run, child, sibling, edges_at, edges; } Node; /* run: the one symbol */
typedef struct { i32 target, kinds_at, kinds; } Edge;
typedef struct { i32 nnodes; Node *nodes; Edge *edges; i32 *kinds; } Edges;
/* Where such a trie leads, whoever takes it there: what is equal is one, over all states. Items are
 * targets, then pairs of a run and a shape. Shape 0 leads nowhere. */
typedef struct { i32 at, targets, kids; u64 marks; } Shape; /* marks: of all targets below, `marked` */
typedef struct { i32 a, b; u32 epoch; } Seen;
typedef struct { i32 states, final, edges_at, edges; } Guard;
typedef struct { i32 source, target, classes; } GuardEdge; /* classes: offset of a [C] byte row, -1 all */

typedef struct {
  jmp_buf out;
  i64 limit;
  int depth;
  /* sets */
  Span *sets; i32 nsets, capsets;
  i32 *tops, *belows; i64 nitems, capitems;
  i32 *table; u64 captable;
  /* memo */
  Memo *memo, *spare; u64 capmemo, nmemo, roommemo, roomspare;
  /* scratch, a stack */
  i32 *scratch; i64 scratch_at, scratch_cap;
  struct Block { i32 *data; struct Block *next; } *old;
  /* parser */
  i32 states, symbols, empty;
  i32 *shift;                 /* [states, symbols], -1 none */
  i32 *red_at, *reds;         /* CSR of (nonterminal, length) */
  unsigned char *inside, *useful, *accepting; i32 *mode;
  /* lexer */
  i32 Q; i32 *lex; i32 *move_at; Way *ways; i32 *end_at, *ends;
  i32 *twin;                  /* per state: the one that is the same between brackets */
  unsigned char *lasting;     /* per state: inside a lexeme that letters, spaces and brackets leave open */
  i32 nunits, *units;         /* how much deeper a block may be that an open slot begins */
  i32 nsymbols, *sym_at, *sym_terms, *sym_column, *sym_mode; i32 indent, dedent;
  i32 *links, nlinks, caplinks;
  /* runs: a trie of symbols */
  i32 *run_parent, *run_symbol; i32 nruns, capruns;
  /* tokens */
  i32 C; i32 *sample_at; unsigned char *samples; /* a token of each class */
  i32 words, *member_at, *members, *bits_at; u32 *bits; /* of `core_union` */
  i32 modes; i32 *follow_of; u64 *follow_after;  /* Follows of lexing/modes.py */
  Edges **from;               /* per state, once it was asked for */
  Shape *shapes; i32 nshapes, capshapes; i32 *items; i64 nshape_items, capshape_items;
  i32 *shape_table; u64 capshape_table;
  Seen *seen; u64 nseen, capseen; u32 epoch;
  i32 *roots; i32 nroots;     /* [roots, Q] of states, by 2 (row of a guard + 1) + quiet; -1 unknown */
  /* pieces, guards */
  Piece *pieces; i32 npieces, cappieces;
  Guard *guards; i32 nguards; GuardEdge *gedges; i32 ngedges; unsigned char *grows; i64 ngrows;
  unsigned char *texts; i64 ntexts;
  i32 *pairs; i64 npairs;
  /* accumulators of advance and retreat, by state */
  i32 widest; /* Q times the most guard states */
} Core;

static void fail(Core *h, int code) { longjmp(h->out, code); }

static void *grown(Core *h, void *old, i64 count, i64 size) {
  void *fresh = realloc(old, (size_t)(count * size));
  if (!fresh) fail(h, NO_MEMORY);
  return fresh;
}

/* Scratch blocks never move, so that pointers into them stay good while calls nest. */
static i32 *take(Core *h, i64 count) {
  if (h->scratch_at + count > h->scratch_cap) {
    struct Block *keep = malloc(sizeof *keep);
    if (!keep) fail(h, NO_MEMORY);
    keep->data = h->scratch; keep->next = h->old; h->old = keep;
    h->scratch_cap = (h->scratch_cap + count) * 2;
    h->scratch = malloc((size_t)h->scratch_cap * sizeof(i32));
    if (!h->scratch) { h->scratch = keep->data; fail(h, NO_MEMORY); }
    h->scratch_at = 0;
  }
  i32 *found = h->scratch + h->scratch_at;
  h->scratch_at += count;
  return found;
}
typedef struct { i32 *block; i64 at; } Mark;
static Mark mark(Core *h) { return (Mark){h->scratch, h->scratch_at}; }
static void release(Core *h, Mark m) { if (m.block == h->scratch) h->scratch_at = m.at; }

static u64 mix(u64 x) { x ^= x >> 32; x *= 0xd6e8feb86659fd93ull; x ^= x >> 32; x *= 0xd6e8feb86659fd93ull; return x ^ x >> 32; }

/* -- memo: (operation, a, b, c, d) -> value, -1 where unknown */

static Memo *slot(Core *h, u64 a, u64 b) {
  u64 at = mix(a * 0x9e3779b97f4a7c15ull + b) & (h->capmemo - 1);
  while (h->memo[at].value >= 0 && (h->memo[at].a != a || h->memo[at].b != b)) at = (at + 1) & (h->capmemo - 1);
  return &h->memo[at];
}
static i32 recall(Core *h, u64 a, u64 b) { return slot(h, a, b)->value; }
static i32 keep(Core *h, u64 a, u64 b, i32 value) {
  if (2 * (h->nmemo + 1) > h->capmemo) {
    u64 old = h->capmemo; Memo *was = h->memo;
    if (h->roomspare < 2 * old) { free(h->spare); h->spare = NULL; h->roomspare = 0; h->spare = grown(h, NULL, 2 * (i64)old, sizeof(Memo)); h->roomspare = 2 * old; }
    Memo *fresh = h->spare;
    for (u64 i = 0; i < 2 * old; i++) fresh[i].value = -1;
    u64 room = h->roommemo;
    h->memo = fresh; h->capmemo = 2 * old; h->roommemo = h->roomspare;
    for (u64 i = 0; i < old; i++) if (was[i].value >= 0) *slot(h, was[i].a, was[i].b) = was[i];
    h->spare = was; h->roomspare = room; /* for the next time: fresh memory is slow */
  }
  Memo *m = slot(h, a, b);
  if (m->value < 0) { h->nmemo++; m->a = a; m->b = b; }
  m->value = value;
  if ((i64)h->nmemo + h->nitems > h->limit) fail(h, TOO_LARGE);
  return value;
}
#define KEY1(op, x) ((u64)(op) << 56 | (u32)(x))
#define KEY2(x, y) ((u64)(u32)(x) << 32 | (u32)(y))

/* -- sets */

static u64 hash_set(const i32 *tops, const i32 *belows, i32 n) {
  u64 x = (u64)n;
  for (i32 i = 0; i < n; i++) x = mix(x ^ KEY2(tops[i], belows[i])) + 0x9e3779b97f4a7c15ull;
  return x;
}
static i32 make(Core *h, const i32 *tops, const i32 *belows, i32 n) {
  if (!n) return EMPTY;
  u64 at = hash_set(tops, belows, n) & (h->captable - 1);
  for (i32 s; (s = h->table[at]) >= 0; at = (at + 1) & (h->captable - 1)) {
    Span *p = &h->sets[s];
    if (p->count == n && !memcmp(h->tops + p->at, tops, (size_t)n * 4) && !memcmp(h->belows + p->at, belows, (size_t)n * 4)) return s;
  }
  if (h->nsets == h->capsets) { h->sets = grown(h, h->sets, 2L * h->capsets, sizeof(Span)); h->capsets *= 2; }
  if (h->nitems + n > h->capitems) {
    i64 cap = 2 * h->capitems + n;
    h->tops = grown(h, h->tops, cap, 4); h->belows = grown(h, h->belows, cap, 4); h->capitems = cap;
  }
  if ((i64)h->nmemo + h->nitems + n > h->limit) fail(h, TOO_LARGE);
  memcpy(h->tops + h->nitems, tops, (size_t)n * 4);
  memcpy(h->belows + h->nitems, belows, (size_t)n * 4);
  i32 made = h->nsets++;
  h->sets[made] = (Span){h->nitems, n};
  h->nitems += n;
  h->table[at] = made;
  if (2 * (u64)h->nsets > h->captable) {
    u64 cap = 2 * h->captable;
    i32 *fresh = malloc(cap * 4);
    if (!fresh) fail(h, NO_MEMORY);
    memset(fresh, 0xff, cap * 4);
    for (i32 s = 2; s < h->nsets; s++) {
      u64 to = hash_set(h->tops + h->sets[s].at, h->belows + h->sets[s].at, h->sets[s].count) & (cap - 1);
      while (fresh[to] >= 0) to = (to + 1) & (cap - 1);
      fresh[to] = s;
    }
    free(h->table); h->table = fresh; h->captable = cap;
  }
  return made;
}
#define COUNT(s) (h->sets[s].count)
#define TOP(s, i) (h->tops[h->sets[s].at + (i)])
#define BELOW(s, i) (h->belows[h->sets[s].at + (i)])
static void enter(Core *h) { if (++h->depth > DEEPEST) fail(h, TOO_DEEP); }

static i32 unite(Core *h, i32 a, i32 b) {
  if (a == b || b == EMPTY) return a;
  if (a == EMPTY) return b;
  if (a > b) { i32 t = a; a = b; b = t; }
  u64 k = KEY1(UNION, 0), l = KEY2(a, b);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  enter(h);
  Mark m = mark(h);
  i32 na = COUNT(a), nb = COUNT(b), i = 0, j = 0, n = 0;
  i32 *tops = take(h, na + nb), *belows = take(h, na + nb);
  while (i < na || j < nb) {
    i32 x = i < na ? TOP(a, i) : INT32_MAX, y = j < nb ? TOP(b, j) : INT32_MAX;
    if (x < y) { tops[n] = x; belows[n++] = BELOW(a, i); i++; }
    else if (y < x) { tops[n] = y; belows[n++] = BELOW(b, j); j++; }
    else { i32 u = unite(h, BELOW(a, i), BELOW(b, j)); tops[n] = x; belows[n++] = u; i++; j++; }
  }
  found = make(h, tops, belows, n);
  release(h, m);
  h->depth--;
  return keep(h, k, l, found);
}

static int ascending(const void *x, const void *y) { i32 a = *(const i32 *)x, b = *(const i32 *)y; return (a > b) - (a < b); }
static int by_target(const void *x, const void *y) { i64 a = *(const i64 *)x, b = *(const i64 *)y; return (a > b) - (a < b); }

static i64 *wide(Core *h, i64 count) {
  uintptr_t at = (uintptr_t)take(h, 2 * count + 2);
  return (i64 *)((at + 7) & ~(uintptr_t)7);
}
/* Sort pairs that stand as one ascending run per set: merging runs two by two. */
static i64 *merged(Core *h, i64 *pairs, const i32 *sets, i32 count, i64 total) {
  i64 *other = wide(h, total), *ends = wide(h, count + 1);
  i64 at = 0;
  for (i32 i = 0; i < count; i++) ends[i] = at += h->sets[sets[i]].count;
  while (count > 1) {
    i32 made = 0;
    i64 start = 0, to = 0;
    for (i32 i = 0; i < count; i += 2) {
      i64 a = start, mid = ends[i], b = mid, end = i + 1 < count ? ends[i + 1] : mid;
      while (a < mid && b < end) { i64 x = pairs[a], y = pairs[b]; int less = x <= y; other[to++] = less ? x : y; a += less; b += !less; }
      if (a < mid) { memcpy(other + to, pairs + a, (size_t)(mid - a) * 8); to += mid - a; }
      if (b < end) { memcpy(other + to, pairs + b, (size_t)(end - b) * 8); to += end - b; }
      start = end;
      ends[made++] = end;
    }
    count = made;
    i64 *swap = pairs; pairs = other; other = swap;
  }
  return pairs;
}

/* The union of many at once: two by two would leave every subtotal in the arena. `sets` is sorted
 * in place. */
static i32 unite_all(Core *h, i32 *sets, i32 n) {
  i32 count = 0;
  if (n <= 32) { /* the usual case: cheaper than a call per comparison */
    for (i32 i = 0; i < n; i++) {
      i32 set = sets[i], j = count;
      while (j && sets[j - 1] > set) j--;
      if (set == EMPTY || (j && sets[j - 1] == set)) continue;
      memmove(sets + j + 1, sets + j, (size_t)(count++ - j) * 4);
      sets[j] = set;
    }
  } else {
    qsort(sets, (size_t)n, 4, ascending);
    for (i32 i = 0; i < n; i++) if (sets[i] != EMPTY && (!count || sets[count - 1] != sets[i])) sets[count++] = sets[i];
  }
  if (!count) return EMPTY;
  if (count == 1) return sets[0];
  if (count == 2) return unite(h, sets[0], sets[1]);
  /* the list is known by 120 bits of hash: for 10^8 lists the odds of one confusion are 10^-20 */
  u64 k = (u64)count, l = 0x243f6a8885a308d3ull;
  for (i32 i = 0; i < count; i++) { k = mix(k ^ (u32)sets[i]) + 0x9e3779b97f4a7c15ull; l = mix(l + (u32)sets[i]) ^ 0x13198a2e03707344ull; }
  k = k >> 8 | (u64)UNIONS << 56;
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  Mark m = mark(h);
  enter(h);
  i64 total = 0;
  for (i32 i = 0; i < count; i++) total += COUNT(sets[i]);
  i64 *pairs = wide(h, total);
  i64 at = 0;
  for (i32 i = 0; i < count; i++) for (i32 j = 0; j < COUNT(sets[i]); j++) pairs[at++] = (i64)TOP(sets[i], j) << 32 | (u32)BELOW(sets[i], j);
  pairs = merged(h, pairs, sets, count, total);
  i32 *tops = take(h, total), *belows = take(h, total), *group = take(h, total), made = 0;
  for (i64 i = 0; i < total;) {
    i32 top = (i32)(pairs[i] >> 32), size = 0;
    for (; i < total && (i32)(pairs[i] >> 32) == top; i++) {
      i32 below = (i32)(pairs[i] & 0xffffffff);
      if (!size || group[size - 1] != below) group[size++] = below;
    }
    tops[made] = top;
    belows[made++] = size == 1 ? group[0] : unite_all(h, group, size);
  }
  found = make(h, tops, belows, made);
  release(h, m);
  h->depth--;
  return keep(h, k, l, found);
}

static i32 meet(Core *h, i32 a, i32 b) {
  if (a == b) return a;
  if (a == EMPTY || b == EMPTY) return EMPTY;
  if (a > b) { i32 t = a; a = b; b = t; }
  u64 k = KEY1(MEET, 0), l = KEY2(a, b);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  enter(h);
  Mark m = mark(h);
  i32 na = COUNT(a), nb = COUNT(b), i = 0, j = 0, n = 0, least = na < nb ? na : nb;
  i32 *tops = take(h, least), *belows = take(h, least);
  while (i < na && j < nb) {
    i32 x = TOP(a, i), y = TOP(b, j);
    if (x < y) i++;
    else if (y < x) j++;
    else { i32 both = meet(h, BELOW(a, i), BELOW(b, j)); if (both) { tops[n] = x; belows[n++] = both; } i++; j++; }
  }
  found = make(h, tops, belows, n);
  release(h, m);
  h->depth--;
  return keep(h, k, l, found);
}

/* Whether two sets share a stack; stops at the first. */
static int meets(Core *h, i32 a, i32 b) {
  if (a == EMPTY || b == EMPTY) return 0;
  if (a == b) return 1;
  if (a > b) { i32 t = a; a = b; b = t; }
  u64 k = KEY1(MEETS, 0), l = KEY2(a, b);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  enter(h);
  i32 na = COUNT(a), nb = COUNT(b), i = 0, j = 0;
  found = 0;
  while (!found && i < na && j < nb) {
    i32 x = TOP(a, i), y = TOP(b, j);
    if (x < y) i++;
    else if (y < x) j++;
    else { found = meets(h, BELOW(a, i), BELOW(b, j)); i++; j++; }
  }
  h->depth--;
  return keep(h, k, l, found);
}

static i32 pop(Core *h, i32 s, i32 count) {
  while (count && s != EMPTY) {
    if (COUNT(s) == 1) { s = BELOW(s, 0); count--; continue; }
    u64 k = KEY1(POP, 0), l = KEY2(s, 0);
    i32 below = recall(h, k, l);
    if (below < 0) {
      Mark m = mark(h);
      i32 n = COUNT(s), *all = take(h, n);
      for (i32 i = 0; i < n; i++) all[i] = BELOW(s, i);
      below = unite_all(h, all, n);
      release(h, m);
      keep(h, k, l, below);
    }
    s = below; count--;
  }
  return s;
}

static i32 unpop(Core *h, i32 s, i32 count, i32 kept) {
  if (!count) return meet(h, s, kept);
  if (s == EMPTY || kept == EMPTY) return EMPTY;
  u64 k = KEY1(UNPOP, count), l = KEY2(s, kept);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  enter(h);
  Mark m = mark(h);
  i32 size = COUNT(s), n = 0, *tops = take(h, size), *belows = take(h, size);
  for (i32 i = 0; i < size; i++) {
    i32 left = unpop(h, BELOW(s, i), count - 1, kept);
    if (left) { tops[n] = TOP(s, i); belows[n++] = left; }
  }
  found = make(h, tops, belows, n);
  release(h, m);
  h->depth--;
  return keep(h, k, l, found);
}

/* -- moves of the parser */

/* Each state that comes on top by the symbol, and the set it comes on; their number. */
static i32 pushed(Core *h, i32 s, i32 symbol, i32 column, i32 **targets, i32 **ons) {
  i32 size = COUNT(s), n = 0, groups = 0;
  *targets = take(h, size); *ons = take(h, size);
  i32 *tops = take(h, size), *belows = take(h, size);
  i64 *order = wide(h, size);
  int sorted = 1;
  for (i32 i = 0; i < size; i++) {
    i32 top = TOP(s, i), target = h->shift[(i64)(top % COLUMN) * h->symbols + symbol];
    if (target < 0) continue;
    target += COLUMN * (column < 0 ? top / COLUMN : column);
    order[n] = (i64)target << 32 | i;
    if (n && order[n] < order[n - 1]) sorted = 0;
    n++;
  }
  if (!sorted) qsort(order, (size_t)n, 8, by_target);
  for (i32 i = 0; i < n;) {
    i32 target = (i32)(order[i] >> 32), m = 0;
    for (; i < n && (i32)(order[i] >> 32) == target; i++) {
      i32 at = (i32)(order[i] & 0xffffffff);
      tops[m] = TOP(s, at); belows[m++] = BELOW(s, at);
    }
    (*targets)[groups] = target;
    (*ons)[groups++] = make(h, tops, belows, m);
  }
  return groups;
}

static i32 step(Core *h, i32 s, i32 symbol, i32 column) {
  if (s == EMPTY) return EMPTY;
  u64 k = KEY1(STEP, symbol) | (u64)(column + 1) << 32, l = KEY2(s, 0);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  enter(h);
  Mark m = mark(h);
  i32 *targets, *ons, groups = pushed(h, s, symbol, column, &targets, &ons);
  i32 *tops = take(h, groups), *belows = take(h, groups), n = 0;
  for (i32 g = 0; g < groups; g++) if (h->useful[targets[g] % COLUMN]) { tops[n] = targets[g]; belows[n++] = ons[g]; }
  i32 many = 1;
  for (i32 g = 0; g < groups; g++) many += h->red_at[targets[g] % COLUMN + 1] - h->red_at[targets[g] % COLUMN];
  i32 *parts = take(h, many);
  parts[0] = make(h, tops, belows, n);
  many = 1;
  for (i32 g = 0; g < groups; g++) {
    i32 state = targets[g] % COLUMN;
    for (i32 r = h->red_at[state]; r < h->red_at[state + 1]; r++)
      parts[many++] = step(h, pop(h, ons[g], h->reds[2 * r + 1] - 1), h->reds[2 * r], -1);
  }
  i32 total = unite_all(h, parts, many);
  release(h, m);
  h->depth--;
  return keep(h, k, l, total);
}

static i32 lookup(Core *h, i32 s, i32 top) {
  i32 low = 0, high = COUNT(s);
  while (low < high) { i32 mid = (low + high) / 2; if (TOP(s, mid) < top) low = mid + 1; else high = mid; }
  return low < COUNT(s) && TOP(s, low) == top ? BELOW(s, low) : EMPTY;
}

static i32 back(Core *h, i32 s, i32 symbol, i32 after, i32 column) {
  if (s == EMPTY || after == EMPTY) return EMPTY;
  u64 k = KEY1(BACK, symbol) | (u64)(column + 1) << 32, l = KEY2(s, after);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  enter(h);
  Mark m = mark(h);
  i32 *targets, *ons, groups = pushed(h, s, symbol, column, &targets, &ons), many = groups;
  for (i32 g = 0; g < groups; g++) many += h->red_at[targets[g] % COLUMN + 1] - h->red_at[targets[g] % COLUMN];
  i32 *parts = take(h, many);
  many = 0;
  for (i32 g = 0; g < groups; g++) {
    i32 state = targets[g] % COLUMN;
    parts[many++] = meet(h, ons[g], lookup(h, after, targets[g]));
    for (i32 r = h->red_at[state]; r < h->red_at[state + 1]; r++) {
      i32 length = h->reds[2 * r + 1];
      i32 kept = back(h, pop(h, ons[g], length - 1), h->reds[2 * r], after, -1);
      parts[many++] = unpop(h, ons[g], length - 1, kept);
    }
  }
  i32 total = unite_all(h, parts, many);
  release(h, m);
  h->depth--;
  return keep(h, k, l, total);
}

static i32 filter(Core *h, i32 s, int kind, i32 value) {
  if (s == EMPTY) return EMPTY;
  u64 k = KEY1(FILTER, value) | (u64)kind << 40, l = KEY2(s, 0);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  Mark m = mark(h);
  i32 size = COUNT(s), n = 0, *tops = take(h, size), *belows = take(h, size);
  for (i32 i = 0; i < size; i++) {
    i32 top = TOP(s, i), state = top % COLUMN, column = top / COLUMN;
    int holds = kind == MODE ? h->mode[state] == value : kind == INSIDE ? h->inside[state] : kind == OUTSIDE ? !h->inside[state]
              : kind == DEEPER ? column > value : kind == SHALLOWER ? column < value : kind == SAME ? column == value
              : column == 0 && (h->accepting[state] || (h->empty && !state));
    if (holds) { tops[n] = top; belows[n++] = BELOW(s, i); }
  }
  found = make(h, tops, belows, n);
  release(h, m);
  return keep(h, k, l, found);
}

/* -- writing: symbols of the lexer on sets */

#define LEVELS 256
static i32 levels(Core *h, i32 s, i32 column, i32 *found) {
  i32 n = 0;
  found[n++] = s;
  while (h->dedent >= 0) {
    s = step(h, filter(h, s, DEEPER, column), h->dedent, -1);
    if (s == EMPTY) break;
    if (n == LEVELS) fail(h, TOO_DEEP);
    found[n++] = s;
  }
  return n;
}

/* A symbol from `nsymbols` on is a newline that an open slot may have written: its blocks are as
 * much deeper as `units` allow. */
static i32 indenting(Core *h, i32 s, i32 column, int ours) {
  if (!ours) return filter(h, s, SHALLOWER, column);
  i32 total = EMPTY;
  for (i32 i = 0; i < h->nunits; i++) total = unite(h, total, filter(h, s, SAME, column - h->units[i]));
  return total;
}

static i32 write_one(Core *h, i32 s, i32 symbol) {
  int ours = symbol >= h->nsymbols;
  if (ours) symbol -= h->nsymbols;
  i32 total = EMPTY, column = h->sym_column[symbol], *terms = h->sym_terms + h->sym_at[symbol];
  if (h->sym_mode[symbol] >= 0) return filter(h, s, MODE, h->sym_mode[symbol]);
  if (column >= 0 && h->indent >= 0) {
    i32 at[LEVELS], n = levels(h, step(h, filter(h, s, OUTSIDE, 0), terms[0], -1), column, at);
    total = filter(h, s, INSIDE, 0);
    total = unite(h, total, step(h, indenting(h, at[0], column, ours), h->indent, column));
    for (i32 i = 0; i < n; i++) total = unite(h, total, filter(h, at[i], SAME, column));
    return total;
  }
  for (i32 t = h->sym_at[symbol]; t < h->sym_at[symbol + 1]; t++) total = unite(h, total, step(h, s, h->sym_terms[t], -1));
  return total;
}

static i32 unwrite_one(Core *h, i32 s, i32 symbol, i32 after) {
  int ours = symbol >= h->nsymbols;
  if (ours) symbol -= h->nsymbols;
  i32 total = EMPTY, column = h->sym_column[symbol], *terms = h->sym_terms + h->sym_at[symbol];
  if (h->sym_mode[symbol] >= 0) return meet(h, filter(h, s, MODE, h->sym_mode[symbol]), after);
  if (column >= 0 && h->indent >= 0) {
    i32 outside = filter(h, s, OUTSIDE, 0);
    i32 at[LEVELS], n = levels(h, step(h, outside, terms[0], -1), column, at), kept = EMPTY;
    for (i32 i = n - 1; i >= 0; i--) {
      i32 left = back(h, filter(h, at[i], DEEPER, column), h->dedent, kept, -1);
      kept = unite(h, left, meet(h, filter(h, at[i], SAME, column), after));
    }
    kept = unite(h, kept, back(h, indenting(h, at[0], column, ours), h->indent, after, column));
    return unite(h, meet(h, filter(h, s, INSIDE, 0), after), back(h, outside, terms[0], kept, -1));
  }
  for (i32 t = h->sym_at[symbol]; t < h->sym_at[symbol + 1]; t++) total = unite(h, total, back(h, s, h->sym_terms[t], after, -1));
  return total;
}

static i32 write_run(Core *h, i32 s, i32 run) {
  if (!run || s == EMPTY) return s;
  u64 k = KEY1(WRITE, 0), l = KEY2(s, run);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  enter(h);
  found = write_one(h, write_run(h, s, h->run_parent[run]), h->run_symbol[run]);
  h->depth--;
  return keep(h, k, l, found);
}

static i32 unwrite_run(Core *h, i32 s, i32 run, i32 after) {
  if (s == EMPTY || after == EMPTY) return EMPTY;
  if (!run) return meet(h, s, after);
  u64 k = KEY1(UNWRITE, run), l = KEY2(s, after);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  enter(h);
  i32 before = write_run(h, s, h->run_parent[run]);
  found = unwrite_run(h, s, h->run_parent[run], unwrite_one(h, before, h->run_symbol[run], after));
  h->depth--;
  return keep(h, k, l, found);
}

static i32 un_end(Core *h, i32 s) {
  u64 k = KEY1(CLOSE, 0), l = KEY2(s, 0);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  i32 at[LEVELS], n = levels(h, s, 0, at), kept = EMPTY;
  for (i32 i = n - 1; i >= 0; i--) {
    i32 left = h->dedent >= 0 ? back(h, filter(h, at[i], DEEPER, 0), h->dedent, kept, -1) : EMPTY;
    kept = unite(h, filter(h, at[i], COMPLETE, 0), left);
  }
  return keep(h, k, l, kept);
}

static i32 extended(Core *h, i32 run, i32 symbol) {
  u64 k = KEY1(RUN, 0), l = KEY2(run, symbol);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  if (h->nruns == h->capruns) {
    h->run_parent = grown(h, h->run_parent, 2L * h->capruns, 4);
    h->run_symbol = grown(h, h->run_symbol, 2L * h->capruns, 4);
    h->capruns *= 2;
  }
  h->run_parent[h->nruns] = run; h->run_symbol[h->nruns] = symbol;
  return keep(h, k, l, h->nruns++);
}

/* -- the lattice */

/* One way over a piece: from the stacks at a state, by writing `run`, to `reached` at `target`;
 * `edge` and `guard` say by which edges, for open pieces. */
typedef struct {
  i32 state, stacks;
  i32 *acc, *touched, n;      /* advance: per target the head of a list of sets, and the targets */
  const i32 *wanted;          /* retreat: per target */
  i32 kept, head;
  unsigned char *found; i32 base;
} Gather;
typedef void (*Visit)(Core *h, Gather *g, i32 run, i32 reached, i32 target, const Edge *edge, i32 guard);
typedef struct { i32 run, state; } Path;

static i32 ours_of(Core *h, i32 run); /* the run with its newlines as an open slot writes them */

enum { MOST = 256 }; /* readings of one token, or of a piece of text; modes are few */

static int follows(Core *h, i32 run, i32 symbol) { /* Follows.allows */
  i32 mode = h->follow_of[symbol];
  if (!run || mode < 0) return 1;
  i32 last = h->run_symbol[run], parent = h->run_parent[run], before = parent ? h->follow_of[h->run_symbol[parent]] : -1;
  if (h->follow_of[last] >= 0) return h->follow_of[last] == mode;
  return (int)(h->follow_after[(i64)(before < 0 ? h->modes : before) * h->nsymbols + last] >> mode & 1);
}

/* The readings of some bytes from a state; `g`, where given, has the stacks that must bear them. */
static i32 readings(Core *h, const unsigned char *data, i32 count, i32 lexer, Gather *g, Path *now) {
  Path next[MOST];
  i32 n = 1;
  now[0] = (Path){0, lexer};
  for (i32 i = 0; i < count; i++) {
    i32 m = 0;
    for (i32 p = 0; p < n; p++) {
      i32 move = h->lex[(i64)now[p].state * 256 + data[i]];
      if (move < 0) continue;
      for (i32 w = h->move_at[move]; w < h->move_at[move + 1]; w++) {
        i32 run = now[p].run, stack[64], d = 0, can = 1;
        for (i32 r = h->ways[w].run; r; r = h->run_parent[r]) { if (d == 64) fail(h, TOO_DEEP); stack[d++] = h->run_symbol[r]; }
        while (d && can) { can = follows(h, run, stack[--d]); if (can) run = extended(h, run, stack[d]); }
        int seen = !can || (g && run != now[p].run && !write_run(h, g->stacks, run));
        for (i32 e = 0; e < m && !seen; e++) seen = next[e].run == run && next[e].state == h->ways[w].target;
        if (!seen) { if (m == MOST) fail(h, TOO_DEEP); next[m++] = (Path){run, h->ways[w].target}; }
      }
    }
    memcpy(now, next, (size_t)m * sizeof *now);
    n = m;
  }
  return n;
}

typedef struct { i32 node, target, kind; } Flat;
static int by_way(const void *x, const void *y) {
  const i32 *a = x, *b = y;
  for (int i = 0; i < 3; i++) if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}
typedef struct { i32 node, state; } Place;

/* The node below one by a symbol, made if it is not there. */
static i32 child(Core *h, Edges *e, i32 node, i32 symbol, i32 *cap) {
  i32 run = extended(h, 0, symbol);
  for (i32 x = e->nodes[node].child; x; x = e->nodes[x].sibling) if (e->nodes[x].run == run) return x;
  if (e->nnodes == *cap) { *cap *= 2; e->nodes = grown(h, e->nodes, *cap, sizeof(Node)); }
  e->nodes[e->nnodes] = (Node){run, 0, e->nodes[node].child, 0, 0};
  e->nodes[node].child = e->nnodes;
  return e->nnodes++;
}

static Edges *edges_from(Core *h, i32 state) {
  enum { LONGEST = 1024 };
  if (h->from[state]) return h->from[state];
  i32 cap = 64;
  i64 n = 0, room = 0;
  Flat *flat = NULL;
  Edges *e = calloc(1, sizeof *e);
  if (!e) fail(h, NO_MEMORY);
  e->nodes = grown(h, NULL, cap, sizeof(Node));
  e->nodes[0] = (Node){0, 0, 0, 0, 0}; e->nnodes = 1;
  /* The symbols above a node, for `follows`: its last, and the one before. */
  i32 *above = grown(h, NULL, cap, 8), above_cap = cap;
  above[0] = above[1] = -1;
  Place *path = grown(h, NULL, (LONGEST + 1) * (i64)MOST, sizeof *path);
  i32 *counts = grown(h, NULL, LONGEST + 1, 4), known = 0;
  path[0] = (Place){0, state}; counts[0] = 1;
  for (i32 kind = 0; kind < h->C; kind++) {
    const unsigned char *data = h->samples + h->sample_at[kind];
    i32 length = h->sample_at[kind + 1] - h->sample_at[kind], shared = 0;
    if (kind) { /* samples are sorted, neighbours share a prefix */
      const unsigned char *was = h->samples + h->sample_at[kind - 1];
      i32 before = h->sample_at[kind] - h->sample_at[kind - 1];
      while (shared < before && shared < length && was[shared] == data[shared]) shared++;
    }
    if (length > LONGEST) fail(h, TOO_DEEP);
    if (shared < known) known = shared;
    for (; known < length && counts[known]; known++) {
      Place *now = path + (i64)known * MOST, *next = now + MOST;
      i32 m = 0;
      for (i32 p = 0; p < counts[known]; p++) {
        i32 move = h->lex[(i64)now[p].state * 256 + data[known]];
        if (move < 0) continue;
        for (i32 w = h->move_at[move]; w < h->move_at[move + 1]; w++) {
          i32 node = now[p].node, stack[64], d = 0, can = 1;
          for (i32 r = h->ways[w].run; r; r = h->run_parent[r]) { if (d == 64) fail(h, TOO_DEEP); stack[d++] = h->run_symbol[r]; }
          while (d && can) {
            i32 symbol = stack[--d], mode = h->follow_of[symbol], last = above[2 * node], before = above[2 * node + 1];
            if (last >= 0 && mode >= 0) {
              i32 was = before < 0 ? -1 : h->follow_of[before];
              can = h->follow_of[last] >= 0 ? h->follow_of[last] == mode : (int)(h->follow_after[(i64)(was < 0 ? h->modes : was) * h->nsymbols + last] >> mode & 1);
            }
            if (!can) break;
            i32 was = e->nnodes, ours = h->indent >= 0 && h->sym_column[symbol] >= 0 ? symbol + h->nsymbols : symbol;
            i32 to = child(h, e, node, ours, &cap);
            if (cap > above_cap) { above = grown(h, above, cap, 8); above_cap = cap; }
            if (to == was) { above[2 * to] = symbol; above[2 * to + 1] = last; }
            node = to;
          }
          int seen = !can;
          for (i32 x = 0; x < m && !seen; x++) seen = next[x].node == node && next[x].state == h->ways[w].target;
          if (!seen) { if (m == MOST) fail(h, TOO_DEEP); next[m++] = (Place){node, h->ways[w].target}; }
        }
      }
      counts[known + 1] = m;
    }
    i32 count = known < length ? 0 : counts[known];
    if (n + count > room) { room = 2 * (n + count) + 256; flat = grown(h, flat, room, sizeof *flat); }
    for (i32 i = 0; i < count; i++) flat[n++] = (Flat){path[(i64)known * MOST + i].node, path[(i64)known * MOST + i].state, kind};
  }
  free(path); free(counts); free(above);
  if (n) qsort(flat, (size_t)n, sizeof *flat, by_way);
  e->edges = grown(h, NULL, n + 1, sizeof(Edge)); e->kinds = grown(h, NULL, n + 1, 4);
  i32 edges = 0;
  for (i64 i = 0; i < n; i++) {
    int fresh = !i || flat[i].node != flat[i - 1].node;
    if (fresh) e->nodes[flat[i].node].edges_at = edges;
    if (fresh || flat[i].target != flat[i - 1].target) { e->edges[edges++] = (Edge){flat[i].target, (i32)i, 0}; e->nodes[flat[i].node].edges++; }
    e->edges[edges - 1].kinds++;
    e->kinds[i] = flat[i].kind;
  }
  free(flat);
  return h->from[state] = e;
}

static void text_ways(Core *h, const Piece *p, Gather *g, i32 lexer, i32 base, Visit way) {
  Path found[MOST];
  i32 n = readings(h, h->texts + p->from, p->count, lexer, g, found);
  for (i32 i = 0; i < n; i++) {
    i32 reached = write_run(h, g->stacks, found[i].run);
    if (reached) way(h, g, found[i].run, reached, base + found[i].state, NULL, -1);
  }
}

static void token_ways(Core *h, const Piece *p, Gather *g, i32 lexer, i32 guard, Visit way) {
  Path found[MOST];
  i32 n = 0;
  for (i32 i = 0; i < p->count; i++) {
    if (h->pairs[p->from + 2 * i] != guard) continue;
    i32 base = h->pairs[p->from + 2 * i + 1] * h->Q;
    if (p->data < 0) { way(h, g, 0, g->stacks, base + lexer, NULL, -1); continue; }
    i32 at = h->sample_at[p->data];
    if (!n) n = readings(h, h->samples + at, h->sample_at[p->data + 1] - at, lexer, g, found);
    for (i32 w = 0; w < n; w++) {
      i32 run = p->ours ? ours_of(h, found[w].run) : found[w].run, reached = write_run(h, g->stacks, run);
      if (reached) way(h, g, run, reached, base + found[w].state, NULL, -1);
    }
  }
}

/* Whether some class of the edge passes the guard's edge. */
static int passes(Core *h, const Edges *from, const Edge *edge, const GuardEdge *by) {
  if (by->classes < 0) return 1;
  for (i32 c = edge->kinds_at; c < edge->kinds_at + edge->kinds; c++) if (h->grows[(i64)by->classes * h->C + from->kinds[c]]) return 1;
  return 0;
}

static void open_walk(Core *h, const Piece *p, Gather *g, const Edges *from, i32 at, i32 stacks, i32 guard, Visit way) {
  Guard *over = &h->guards[p->data];
  Node node = from->nodes[at];
  for (i32 x = node.edges_at; x < node.edges_at + node.edges; x++)
    for (i32 k = over->edges_at; k < over->edges_at + over->edges; k++) {
      GuardEdge *by = &h->gedges[k];
      if (by->source == guard && passes(h, from, &from->edges[x], by)) way(h, g, 0, stacks, by->target * h->Q + from->edges[x].target, &from->edges[x], k);
    }
  if (p->count) return; /* quiet */
  for (i32 c = node.child; c; c = from->nodes[c].sibling) {
    i32 reached = write_run(h, stacks, from->nodes[c].run);
    if (reached) open_walk(h, p, g, from, c, reached, guard, way);
  }
}

static void open_ways(Core *h, const Piece *p, Gather *g, i32 lexer, i32 guard, Visit way) {
  if (p->from) way(h, g, 0, g->stacks, g->state, NULL, -1);
  open_walk(h, p, g, edges_from(h, lexer), 0, g->stacks, guard, way);
}

static void each_way(Core *h, i32 piece, Gather *g, Visit way) {
  Piece p = h->pieces[piece];
  i32 guard = g->state / h->Q, lexer = g->state % h->Q;
  if (p.kind == TEXT) text_ways(h, &p, g, lexer, guard * h->Q, way);
  else if (p.kind == TOKEN) token_ways(h, &p, g, lexer, guard, way);
  else if (p.kind == OPEN) open_ways(h, &p, g, lexer, guard, way);
  else if (guard == h->guards[p.data].final) way(h, g, 0, g->stacks, lexer, NULL, -1);
}

/* Lists of sets, as (set, next) in `h->links`; link 0 is the end. */
static i32 linked(Core *h, i32 set, i32 next) {
  if (h->nlinks == h->caplinks) { i32 cap = 2 * h->caplinks + 1024; h->links = grown(h, h->links, 2L * cap, 4); h->caplinks = cap; }
  h->links[2 * h->nlinks] = set; h->links[2 * h->nlinks + 1] = next;
  return h->nlinks++;
}
static i32 unite_links(Core *h, i32 head) {
  i32 n = 0;
  for (i32 x = head; x; x = h->links[2 * x + 1]) n++;
  Mark m = mark(h);
  i32 *sets = take(h, n + 1), i = 0;
  for (i32 x = head; x; x = h->links[2 * x + 1]) sets[i++] = h->links[2 * x];
  i32 found = unite_all(h, sets, n);
  release(h, m);
  return found;
}
static void add(Core *h, Gather *g, i32 target, i32 reached) {
  if (!reached) return;
  i32 head = g->acc[target];
  if (!head) g->touched[g->n++] = target;
  if (head && h->links[2 * head] == reached) return;
  g->acc[target] = linked(h, reached, head);
}
/* Between brackets the column that a newline leads to does not matter: such stacks go on at the
 * state's twin. */
static void gather(Core *h, Gather *g, i32 run, i32 reached, i32 target, const Edge *edge, i32 guard) {
  (void)run; (void)edge; (void)guard;
  i32 lexer = target % h->Q, twin = h->twin[lexer];
  if (twin == lexer) { add(h, g, target, reached); return; }
  add(h, g, target - lexer + twin, filter(h, reached, INSIDE, 0));
  add(h, g, target, filter(h, reached, OUTSIDE, 0));
}
static i32 wanted_at(Core *h, const Gather *g, i32 target) {
  i32 lexer = target % h->Q, twin = h->twin[lexer];
  if (twin == lexer) return g->wanted[target];
  return unite(h, filter(h, g->wanted[target - lexer + twin], INSIDE, 0), filter(h, g->wanted[target], OUTSIDE, 0));
}
/* One of 64 bits for a state: what has no bit in common leads nowhere. */
static u64 marked(i32 state) { return 1ull << (mix((u64)state) & 63); }

/* The number of a shape with these items, made if it is not there. */
static i32 shaped(Core *h, const i32 *items, i32 targets, i32 kids) {
  i32 n = targets + 2 * kids;
  if (!n) return 0;
  if (4 * (u64)(h->nshapes + 1) > h->capshape_table) {
    u64 cap = h->capshape_table ? 2 * h->capshape_table : 1 << 12;
    i32 *fresh = grown(h, NULL, (i64)cap, 4);
    memset(fresh, 0xff, cap * 4);
    for (i32 x = 1; x < h->nshapes; x++) {
      Shape *y = &h->shapes[x];
      u64 to = hash_set(h->items + y->at, h->items + y->at, y->targets + 2 * y->kids) & (cap - 1);
      while (fresh[to] >= 0) to = (to + 1) & (cap - 1);
      fresh[to] = x;
    }
    free(h->shape_table); h->shape_table = fresh; h->capshape_table = cap;
  }
  u64 at = hash_set(items, items, n) & (h->capshape_table - 1);
  for (i32 x; (x = h->shape_table[at]) >= 0; at = (at + 1) & (h->capshape_table - 1)) {
    Shape *y = &h->shapes[x];
    if (y->targets == targets && y->kids == kids && !memcmp(h->items + y->at, items, (size_t)n * 4)) return x;
  }
  if (h->nshapes == h->capshapes) { i32 cap = 2 * h->capshapes + 256; h->shapes = grown(h, h->shapes, cap, sizeof(Shape)); h->capshapes = cap; }
  if (!h->nshapes) h->shapes[h->nshapes++] = (Shape){0, 0, 0, 0};
  if (h->nshape_items + n > h->capshape_items) { i64 cap = 2 * (h->nshape_items + n) + 1024; h->items = grown(h, h->items, cap, 4); h->capshape_items = cap; }
  memcpy(h->items + h->nshape_items, items, (size_t)n * 4);
  u64 marks = 0;
  for (i32 i = 0; i < targets; i++) marks |= marked(items[i]) | marked(h->twin[items[i]]);
  for (i32 i = 0; i < kids; i++) marks |= h->shapes[items[targets + 2 * i + 1]].marks;
  h->shapes[h->nshapes] = (Shape){(i32)h->nshape_items, targets, kids, marks};
  h->nshape_items += n;
  return h->shape_table[at] = h->nshapes++;
}

/* The shape below a node, of the classes in a row of a guard (-1: of all). */
static i32 shape_of(Core *h, const Edges *from, i32 node, i32 row, int quiet) {
  Mark m = mark(h);
  const Node *top = &from->nodes[node];
  i32 kids = 0, targets = 0;
  for (i32 c = top->child; c; c = from->nodes[c].sibling) kids++;
  i32 *items = take(h, top->edges + 2 * kids);
  for (i32 x = top->edges_at; x < top->edges_at + top->edges; x++) {
    const Edge *edge = &from->edges[x];
    int some = row < 0;
    for (i32 k = edge->kinds_at; !some && k < edge->kinds_at + edge->kinds; k++) some = h->grows[(i64)row * h->C + from->kinds[k]];
    if (some) items[targets++] = edge->target;
  }
  kids = 0;
  for (i32 c = top->child; c && !quiet; c = from->nodes[c].sibling) {
    i32 shape = shape_of(h, from, c, row, 0), i = targets + 2 * kids;
    if (!shape) continue;
    for (; i > targets && items[i - 2] > from->nodes[c].run; i -= 2) { items[i] = items[i - 2]; items[i + 1] = items[i - 1]; }
    items[i] = from->nodes[c].run; items[i + 1] = shape;
    kids++;
  }
  i32 found = shaped(h, items, targets, kids);
  release(h, m);
  return found;
}
static i32 root_of(Core *h, i32 lexer, i32 row, int quiet) {
  i32 root = 2 * (row + 1) + quiet;
  if (root >= h->nroots) {
    h->roots = grown(h, h->roots, (i64)(root + 1) * h->Q, 4);
    memset(h->roots + (i64)h->nroots * h->Q, 0xff, (size_t)(root + 1 - h->nroots) * (size_t)h->Q * 4);
    h->nroots = root + 1;
  }
  i64 at = (i64)root * h->Q + lexer;
  if (h->roots[at] < 0) { i32 shape = shape_of(h, edges_from(h, lexer), 0, row, quiet); h->roots[at] = shape; }
  return h->roots[at];
}

/* Whether a pair is new since the last `h->epoch++`. */
static int unseen(Core *h, i32 a, i32 b) {
  if (2 * (h->nseen + 1) > h->capseen) {
    u64 cap = h->capseen ? 2 * h->capseen : 1 << 12;
    Seen *fresh = calloc(cap, sizeof *fresh), *was = h->seen;
    if (!fresh) fail(h, NO_MEMORY);
    for (u64 i = 0; i < h->capseen; i++) {
      if (was[i].epoch != h->epoch) continue;
      u64 to = mix(KEY2(was[i].a, was[i].b)) & (cap - 1);
      while (fresh[to].epoch) to = (to + 1) & (cap - 1);
      fresh[to] = was[i];
    }
    free(was); h->seen = fresh; h->capseen = cap;
  }
  u64 at = mix(KEY2(a, b)) & (h->capseen - 1);
  for (; h->seen[at].epoch == h->epoch; at = (at + 1) & (h->capseen - 1)) if (h->seen[at].a == a && h->seen[at].b == b) return 0;
  h->seen[at] = (Seen){a, b, h->epoch};
  h->nseen++;
  return 1;
}
/* What some stacks lead to over a shape, states counted from `base`. */
static void fan(Core *h, Gather *g, i32 shape, i32 stacks, i32 base) {
  if (!unseen(h, shape, stacks)) return;
  enter(h);
  Shape y = h->shapes[shape];
  for (i32 i = 0; i < y.targets; i++) gather(h, g, 0, stacks, base + h->items[y.at + i], NULL, 0);
  for (i32 i = 0; i < y.kids; i++) {
    i32 reached = write_run(h, stacks, h->items[y.at + y.targets + 2 * i]);
    if (reached) fan(h, g, h->items[y.at + y.targets + 2 * i + 1], reached, base);
  }
  h->depth--;
}

static i32 wanted_of(Core *h, i32 after, i32 target) {
  i32 twin = h->twin[target];
  if (twin == target) return lookup(h, after, target);
  return unite(h, filter(h, lookup(h, after, twin), INSIDE, 0), filter(h, lookup(h, after, target), OUTSIDE, 0));
}
/* Which of the stacks lead into `after`, whose states have these marks, over a shape. */
static i32 unfan(Core *h, i32 shape, i32 stacks, i32 after, u64 marks) {
  if (!(h->shapes[shape].marks & marks)) return EMPTY;
  u64 k = KEY1(UNFAN, shape), l = KEY2(stacks, after);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  enter(h);
  Mark m = mark(h);
  Shape y = h->shapes[shape];
  i32 many = 0, *parts = take(h, y.targets + y.kids);
  for (i32 i = 0; i < y.targets; i++) { i32 wanted = wanted_of(h, after, h->items[y.at + i]); if (wanted) parts[many++] = meet(h, stacks, wanted); }
  for (i32 i = 0; i < y.kids; i++) {
    i32 run = h->items[y.at + y.targets + 2 * i], kid = h->items[y.at + y.targets + 2 * i + 1];
    if (!(h->shapes[kid].marks & marks)) continue;
    i32 reached = write_run(h, stacks, run), left = reached ? unfan(h, kid, reached, after, marks) : EMPTY;
    if (left) parts[many++] = unwrite_run(h, stacks, run, left);
  }
  found = unite_all(h, parts, many);
  release(h, m);
  h->depth--;
  return keep(h, k, l, found);
}

/* A front's states of one state of a guard, counted from 0. */
static i32 part(Core *h, i32 front, i32 guard) {
  u64 k = KEY1(PART, guard), l = KEY2(front, 0);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  Mark m = mark(h);
  i32 size = COUNT(front), n = 0, *tops = take(h, size), *belows = take(h, size);
  for (i32 i = 0; i < size; i++) if (TOP(front, i) / h->Q == guard) { tops[n] = TOP(front, i) % h->Q; belows[n++] = BELOW(front, i); }
  found = make(h, tops, belows, n);
  release(h, m);
  return keep(h, k, l, found);
}

static void open_advance(Core *h, i32 front, Piece p, Gather *g) {
  Guard over = h->guards[p.data];
  i32 n = COUNT(front);
  if (p.from) for (i32 i = 0; i < n; i++) add(h, g, TOP(front, i), BELOW(front, i));
  for (i32 e = over.edges_at; e < over.edges_at + over.edges; e++) {
    GuardEdge by = h->gedges[e];
    h->epoch++; h->nseen = 0;
    for (i32 i = 0; i < n; i++)
      if (TOP(front, i) / h->Q == by.source) {
        i32 root = root_of(h, TOP(front, i) % h->Q, by.classes, p.count);
        if (root) fan(h, g, root, BELOW(front, i), by.target * h->Q);
      }
  }
}
static i32 open_retreat(Core *h, i32 front, Piece p, i32 after) {
  Guard over = h->guards[p.data];
  i32 size = COUNT(front), n = 0, *tops = take(h, size), *belows = take(h, size);
  for (i32 i = 0; i < size; i++) {
    i32 state = TOP(front, i), stacks = BELOW(front, i), kept = EMPTY;
    for (i32 g = over.edges_at; g < over.edges_at + over.edges; g++) {
      GuardEdge by = h->gedges[g];
      if (by.source != state / h->Q) continue;
      i32 there = part(h, after, by.target), root = root_of(h, state % h->Q, by.classes, p.count);
      u64 marks = 0;
      for (i32 x = 0, n = COUNT(there); x < n; x++) marks |= marked(TOP(there, x));
      if (root && there) kept = unite(h, kept, unfan(h, root, stacks, there, marks));
    }
    if (p.from) kept = unite(h, kept, meet(h, stacks, wanted_of(h, part(h, after, state / h->Q), state % h->Q))); /* a blank */
    if (kept) { tops[n] = state; belows[n++] = kept; }
  }
  return make(h, tops, belows, n);
}

static i32 advance(Core *h, i32 front, i32 piece) {
  if (front == EMPTY) return EMPTY;
  u64 k = KEY1(FORWARD, 0), l = KEY2(front, piece);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  Mark m = mark(h);
  i32 wide = h->widest;
  Gather g = {0};
  i32 links = h->nlinks;
  g.acc = take(h, wide); g.touched = take(h, wide);
  memset(g.acc, 0, (size_t)wide * 4);
  if (h->pieces[piece].kind == OPEN) open_advance(h, front, h->pieces[piece], &g);
  else for (i32 i = 0, n = COUNT(front); i < n; i++) { g.state = TOP(front, i); g.stacks = BELOW(front, i); each_way(h, piece, &g, gather); }
  qsort(g.touched, (size_t)g.n, 4, ascending);
  i32 *belows = take(h, g.n);
  for (i32 i = 0; i < g.n; i++) belows[i] = unite_links(h, g.acc[g.touched[i]]);
  h->nlinks = links;
  found = make(h, g.touched, belows, g.n);
  release(h, m);
  return keep(h, k, l, found);
}

static void select_(Core *h, Gather *g, i32 run, i32 reached, i32 target, const Edge *edge, i32 guard) {
  (void)reached; (void)edge; (void)guard;
  i32 wanted = wanted_at(h, g, target);
  i32 left = wanted ? unwrite_run(h, g->stacks, run, wanted) : EMPTY;
  if (left && !(g->head && h->links[2 * g->head] == left)) g->head = linked(h, left, g->head);
}

static i32 *spread(Core *h, i32 front) {
  i32 *wanted = take(h, h->widest);
  memset(wanted, 0, (size_t)h->widest * 4);
  for (i32 i = 0, n = COUNT(front); i < n; i++) wanted[TOP(front, i)] = BELOW(front, i);
  return wanted;
}

static i32 retreat(Core *h, i32 front, i32 piece, i32 after) {
  if (front == EMPTY || after == EMPTY) return EMPTY;
  u64 k = KEY1(BACKWARD, piece), l = KEY2(front, after);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  Mark m = mark(h);
  if (h->pieces[piece].kind == OPEN) {
    found = open_retreat(h, front, h->pieces[piece], after);
    release(h, m);
    return keep(h, k, l, found);
  }
  Gather g = {0};
  g.wanted = spread(h, after);
  i32 size = COUNT(front), n = 0, *tops = take(h, size), *belows = take(h, size);
  for (i32 i = 0; i < size; i++) {
    i32 links = h->nlinks;
    g.state = TOP(front, i); g.stacks = BELOW(front, i); g.head = 0;
    each_way(h, piece, &g, select_);
    i32 kept = unite_links(h, g.head);
    h->nlinks = links;
    if (kept) { tops[n] = TOP(front, i); belows[n++] = kept; }
  }
  found = make(h, tops, belows, n);
  release(h, m);
  return keep(h, k, l, found);
}

static i32 ours_of(Core *h, i32 run) {
  if (h->indent < 0 || !run) return run;
  i32 parent = ours_of(h, h->run_parent[run]), symbol = h->run_symbol[run];
  return extended(h, parent, h->sym_column[symbol] >= 0 ? symbol + h->nsymbols : symbol);
}

static i32 ended(Core *h, i32 front) {
  if (front == EMPTY) return EMPTY;
  u64 k = KEY1(ENDED, 0), l = KEY2(front, 0);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  Mark m = mark(h);
  i32 size = COUNT(front), n = 0, *tops = take(h, size), *belows = take(h, size);
  for (i32 i = 0; i < size; i++) {
    i32 state = TOP(front, i), stacks = BELOW(front, i), left = EMPTY;
    if (state >= h->Q) continue;
    for (i32 e = h->end_at[state]; e < h->end_at[state + 1]; e++)
      left = unite(h, left, unwrite_run(h, stacks, h->ends[e], un_end(h, write_run(h, stacks, h->ends[e]))));
    if (left) { tops[n] = state; belows[n++] = left; }
  }
  found = make(h, tops, belows, n);
  release(h, m);
  return keep(h, k, l, found);
}

/* -- entry points. Arrays are copied; a negative result is an error code. */

static i32 *copied(Core *h, const i32 *data, i64 count) {
  i32 *own = malloc((size_t)(count ? count : 1) * 4);
  if (!own) fail(h, NO_MEMORY);
  memcpy(own, data, (size_t)count * 4);
  return own;
}
#define GUARDED(h) { int code = setjmp((h)->out); if (code) { (h)->depth = 0; return code; } } (h)->scratch_at = 0; (h)->depth = 0; (h)->nlinks = 1;

EXPORT void core_free(Core *h);

/* parser: sizes [states, symbols, terminals, empty, indent, dedent] */
EXPORT Core *core_new(const i32 *sizes, const i32 *shift, const i32 *red_at, const i32 *reds, const i32 *inside, const i32 *accepting, const i32 *mode, i64 limit) {
  Core *h = calloc(1, sizeof *h);
  if (!h) return NULL;
  if (setjmp(h->out)) { core_free(h); return NULL; }
  h->limit = limit;
  h->states = sizes[0]; h->symbols = sizes[1]; h->empty = sizes[3]; h->indent = sizes[4]; h->dedent = sizes[5];
  h->shift = copied(h, shift, (i64)h->states * h->symbols);
  h->red_at = copied(h, red_at, h->states + 1);
  h->reds = copied(h, reds, 2L * red_at[h->states]);
  h->mode = copied(h, mode, h->states);
  h->inside = grown(h, NULL, h->states, 1); h->useful = grown(h, NULL, h->states, 1); h->accepting = grown(h, NULL, h->states, 1);
  for (i32 s = 0; s < h->states; s++) {
    h->inside[s] = (unsigned char)inside[s];
    h->useful[s] = h->accepting[s] = (unsigned char)accepting[s];
    for (i32 t = 0; t < sizes[2]; t++) h->useful[s] |= h->shift[(i64)s * h->symbols + t] >= 0;
  }
  h->capsets = 1024; h->sets = grown(h, NULL, h->capsets, sizeof(Span)); h->nsets = 2;
  h->sets[0] = h->sets[1] = (Span){0, 0};
  h->capitems = 4096; h->tops = grown(h, NULL, h->capitems, 4); h->belows = grown(h, NULL, h->capitems, 4);
  h->captable = 4096; h->table = grown(h, NULL, (i64)h->captable, 4); memset(h->table, 0xff, h->captable * 4);
  h->capmemo = h->roommemo = 1 << 14; h->memo = grown(h, NULL, (i64)h->capmemo, sizeof(Memo));
  for (u64 i = 0; i < h->capmemo; i++) h->memo[i].value = -1;
  h->scratch_cap = 1 << 16; h->scratch = grown(h, NULL, h->scratch_cap, 4);
  h->caplinks = 1024; h->links = grown(h, NULL, 2L * h->caplinks, 4); h->nlinks = 1;
  h->capruns = 1024; h->run_parent = grown(h, NULL, h->capruns, 4); h->run_symbol = grown(h, NULL, h->capruns, 4); h->nruns = 1;
  h->run_parent[0] = h->run_symbol[0] = 0;
  return h;
}

static Way *ways_of(Core *h, const i32 *pairs, i64 n, const i32 *runs) {
  Way *own = grown(h, NULL, n ? n : 1, sizeof(Way));
  for (i64 i = 0; i < n; i++) own[i] = (Way){runs[pairs[2 * i]], pairs[2 * i + 1]};
  return own;
}

/* lexer: symbols by (terminal ids of the parser, column, mode), outs as CSR of symbols, moves as CSR of (out, state) */
EXPORT int core_lexer(Core *h, i32 Q, const i32 *lex, i32 nsym, const i32 *sym_at, const i32 *sym_terms, const i32 *sym_column, const i32 *sym_mode,
                      i32 nouts, const i32 *out_at, const i32 *out_syms, i32 nmoves, const i32 *move_at, const i32 *move_pairs, const i32 *end_at, const i32 *ends,
                      const i32 *twin, i32 nunits, const i32 *units) {
  GUARDED(h)
  h->twin = copied(h, twin, Q); h->nunits = nunits; h->units = copied(h, units, nunits);
  h->Q = Q; h->widest = Q; h->nsymbols = nsym;
  h->lex = copied(h, lex, 256L * Q);
  h->sym_at = copied(h, sym_at, nsym + 1); h->sym_terms = copied(h, sym_terms, sym_at[nsym]);
  h->sym_column = copied(h, sym_column, nsym); h->sym_mode = copied(h, sym_mode, nsym);
  i32 *runs = malloc((size_t)(nouts + 1) * 4);
  if (!runs) fail(h, NO_MEMORY);
  for (i32 o = 0; o < nouts; o++) { runs[o] = 0; for (i32 s = out_at[o]; s < out_at[o + 1]; s++) runs[o] = extended(h, runs[o], out_syms[s]); }
  h->move_at = copied(h, move_at, nmoves + 1);
  h->ways = ways_of(h, move_pairs, move_at[nmoves], runs);
  h->end_at = copied(h, end_at, Q + 1);
  h->ends = copied(h, ends, end_at[Q]);
  h->lasting = grown(h, NULL, Q, 1);
  for (i32 q = 0; q < Q; q++) {
    h->lasting[q] = 1;
    for (const char *c = "a ("; *c; c++) {
      i32 move = h->lex[256L * q + *c];
      if (move < 0) h->lasting[q] = 0;
      else for (i32 w = move_at[move]; w < move_at[move + 1]; w++) if (move_pairs[2 * w]) h->lasting[q] = 0;
    }
  }
  for (i32 e = 0; e < end_at[Q]; e++) h->ends[e] = runs[ends[e]];
  free(runs);
  return 0;
}

/* tokens: a sample of each class, and what lexing/modes.py says of modes: [S], [modes + 1, S] */
EXPORT int core_tokens(Core *h, i32 C, const i32 *sample_at, const unsigned char *samples, i32 modes, const i32 *follow_of, const u64 *follow_after) {
  GUARDED(h)
  h->C = C; h->modes = modes;
  h->sample_at = copied(h, sample_at, C + 1);
  h->samples = grown(h, NULL, sample_at[C] + 1, 1);
  memcpy(h->samples, samples, (size_t)sample_at[C]);
  h->follow_of = copied(h, follow_of, h->nsymbols);
  h->follow_after = (u64 *)copied(h, (const i32 *)follow_after, 2L * (modes + 1) * h->nsymbols);
  h->from = calloc((size_t)h->Q, sizeof *h->from);
  if (!h->from) fail(h, NO_MEMORY);
  return 0;
}

/* A guard: edges of (source, target, row), row >= 0 counting from this guard's own rows [rows, C]. */
EXPORT int core_guard(Core *h, i32 states, i32 final, i32 edges, const i32 *triples, i32 rows, const unsigned char *members) {
  GUARDED(h)
  h->guards = grown(h, h->guards, h->nguards + 1, sizeof(Guard));
  h->gedges = grown(h, h->gedges, h->ngedges + edges + 1, sizeof(GuardEdge));
  h->grows = grown(h, h->grows, h->ngrows + (i64)rows * h->C + 1, 1);
  i32 first = h->C ? (i32)(h->ngrows / h->C) : 0;
  memcpy(h->grows + h->ngrows, members, (size_t)rows * (size_t)h->C);
  for (i32 e = 0; e < edges; e++)
    h->gedges[h->ngedges + e] = (GuardEdge){triples[3 * e], triples[3 * e + 1], triples[3 * e + 2] < 0 ? -1 : first + triples[3 * e + 2]};
  h->guards[h->nguards] = (Guard){states, final, h->ngedges, edges};
  h->ngedges += edges; h->ngrows += (i64)rows * h->C;
  if (states * h->Q > h->widest) h->widest = states * h->Q;
  return h->nguards++;
}

static int piece(Core *h, Piece p) {
  if (h->npieces == h->cappieces) { i32 cap = 2 * h->cappieces + 64; h->pieces = grown(h, h->pieces, cap, sizeof(Piece)); h->cappieces = cap; }
  h->pieces[h->npieces] = p;
  return h->npieces++;
}
EXPORT int core_text(Core *h, const unsigned char *data, i32 count) {
  GUARDED(h)
  h->texts = grown(h, h->texts, h->ntexts + count + 1, 1);
  memcpy(h->texts + h->ntexts, data, (size_t)count);
  h->ntexts += count;
  return piece(h, (Piece){TEXT, 0, (i32)(h->ntexts - count), count, 0});
}
EXPORT int core_token(Core *h, i32 kind, i32 ours, i32 count, const i32 *pairs) {
  GUARDED(h)
  h->pairs = grown(h, h->pairs, h->npairs + 2L * count + 1, 4);
  memcpy(h->pairs + h->npairs, pairs, 8L * (size_t)count);
  h->npairs += 2L * count;
  return piece(h, (Piece){TOKEN, kind, (i32)(h->npairs - 2L * count), count, ours});
}
EXPORT int core_open(Core *h, i32 guard, i32 blanks, i32 quiet) { GUARDED(h) return piece(h, (Piece){OPEN, guard, blanks, quiet, 1}); }
EXPORT int core_close(Core *h, i32 guard) { GUARDED(h) return piece(h, (Piece){CLOSE_GUARD, guard, 0, 0, 0}); }

/* Forget every set and result; runs, pieces and what tokens do stay. */
EXPORT int core_reset(Core *h) {
  GUARDED(h)
  if (h->captable > SMALL) h->captable = SMALL;
  if (h->capmemo > 2 * SMALL) h->capmemo = 2 * SMALL;
  h->nsets = 2; h->nitems = 0; h->nmemo = 0;
  memset(h->table, 0xff, h->captable * 4);
  for (u64 i = 0; i < h->capmemo; i++) h->memo[i].value = -1;
  for (i32 r = 1; r < h->nruns; r++) keep(h, KEY1(RUN, 0), KEY2(h->run_parent[r], h->run_symbol[r]), r);
  return 0;
}

EXPORT int core_start(Core *h) {
  GUARDED(h)
  i32 zero = 0, root = ROOT, stacks = make(h, &zero, &root, 1);
  return make(h, &zero, &stacks, 1);
}
EXPORT int core_advance(Core *h, i32 front, i32 piece) { GUARDED(h) return advance(h, front, piece); }
EXPORT int core_ended(Core *h, i32 front) { GUARDED(h) return ended(h, front); }

/* The front without all but its first state. */
static i32 first(Core *h, i32 front) { if (front == EMPTY) return EMPTY; i32 top = TOP(front, 0), below = BELOW(front, 0); return make(h, &top, &below, 1); }

static void mark_(Core *h, Gather *g, i32 run, i32 reached, i32 target, const Edge *edge, i32 guard) {
  (void)run;
  if (!edge) { if (!g->kept) g->kept = meets(h, reached, wanted_at(h, g, target)); return; }
  GuardEdge *by = &h->gedges[guard];
  unsigned char *row = g->found + (i64)(guard - g->base) * h->C, *members = by->classes < 0 ? NULL : h->grows + (i64)by->classes * h->C;
  const i32 *kinds = h->from[g->state % h->Q]->kinds + edge->kinds_at;
  int fresh = 0;
  for (i32 c = 0; !fresh && c < edge->kinds; c++) fresh = !row[kinds[c]] && (!members || members[kinds[c]]);
  if (!fresh) return;
  i32 wanted = wanted_at(h, g, target);
  if (!wanted || !meets(h, reached, wanted)) return;
  for (i32 c = 0; c < edge->kinds; c++) row[kinds[c]] |= !members || members[kinds[c]];
}
/* Which classes may stand between two fronts: found [edges of the guard, C] bytes; returns 1 where a blank may. */
static int allowed(Core *h, i32 front, i32 open, i32 after, unsigned char *found) {
  if (front == EMPTY || after == EMPTY) return 0;
  Mark m = mark(h);
  Gather g = {0};
  g.wanted = spread(h, after); g.found = found; g.base = h->guards[h->pieces[open].data].edges_at;
  for (i32 i = 0, n = COUNT(front); i < n; i++) { g.state = TOP(front, i); g.stacks = BELOW(front, i); each_way(h, open, &g, mark_); }
  release(h, m);
  return g.kept;
}

/* -- search.py: sweeps over a canvas. `steps` are [n, CHOICES] pieces, -1 for none; `layers` are
 * [n + 1, width + 1] fronts, of what costs so much above `lows` [n + 1] or less. */
enum { CHOICES = 3 };
static const i32 COSTS[CHOICES] = {0, 1, 3};

/* Whether what is read inside a lexeme that goes on for long costs one more at a place. */
static int surcharged(const i32 *steps, i32 at, int uneven) { return uneven && at % 4 == 3 && steps[at * CHOICES + 1] < 0 && steps[at * CHOICES + 2] < 0; }

/* A front's states inside such lexemes, or the others. */
static i32 inside(Core *h, i32 front, int wanted) {
  if (front == EMPTY) return EMPTY;
  u64 k = KEY1(LONG, wanted), l = KEY2(front, 0);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  Mark m = mark(h);
  i32 size = COUNT(front), n = 0, *tops = take(h, size), *belows = take(h, size);
  for (i32 i = 0; i < size; i++) if (h->lasting[TOP(front, i) % h->Q] == wanted) { tops[n] = TOP(front, i); belows[n++] = BELOW(front, i); }
  found = make(h, tops, belows, n);
  release(h, m);
  return keep(h, k, l, found);
}

static i64 taken(const Core *h) { return h->nitems + (i64)h->nmemo; }

/* layers[0][0] and lows[0] are given. Returns how many pieces were passed. With `room` for so many
 * entries, shared out over the places, a place gets its dearer layers only while they fit; where
 * the cheapest ones take twice as many, that is a failure. */
EXPORT int core_sweep(Core *h, i32 n, i32 width, i32 uneven, i64 room, const i32 *steps, i32 *layers, i32 *lows) {
  GUARDED(h)
  i32 size = width + 1;
  if (n) for (i32 e = 1; e < size; e++) layers[e] = layers[0];
  i64 hard = taken(h) + 2 * room;
  room = room ? room + taken(h) : 0;
  for (i32 i = 0; i < n; i++) {
    i32 *now = layers + (i64)i * size, *next = now + size, low = 0, last = EMPTY;
    memset(next, 0, (size_t)size * 4);
    i64 begun = taken(h), most = (room - begun) / (n - i);
    i32 some = 0;
    for (i32 e = 0; e < size && !(room && some && taken(h) - begun > most); some |= next[e++])
      for (i32 c = 0; c < CHOICES; c++) {
        i32 piece = steps[i * CHOICES + c];
        if (piece >= 0 && e >= COSTS[c]) next[e] = unite(h, next[e], advance(h, now[e - COSTS[c]], piece));
      }
    if (surcharged(steps, i, uneven)) {
      for (i32 e = size - 1; e >= 0; e--) {
        i32 within = inside(h, next[e], 1);
        if (e == size - 1) last = within; else next[e + 1] = unite(h, next[e + 1], within);
        next[e] = inside(h, next[e], 0);
      }
    }
    for (i32 e = 1; e < size; e++) next[e] = unite(h, next[e], next[e - 1]);
    if (room && taken(h) > hard) fail(h, TOO_LARGE);
    while (low < size && !next[low]) low++;
    if (low == size) { /* all that is left costs one more */
      if (!last) return i;
      next[width] = last;
      low = width;
      lows[i + 1]++;
    }
    if (low) { memmove(next, next + low, (size_t)(size - low) * 4); for (i32 e = size - low; e < size; e++) next[e] = next[size - low - 1]; }
    lows[i + 1] += lows[i] + low;
  }
  return n;
}

/* The piece of one class of an open piece, by an edge of its guard; of a blank where kind is -1. */
static i32 only(Core *h, i32 open, i32 edge, i32 kind) {
  u64 k = KEY1(ONLY, open), l = KEY2(edge, kind);
  i32 found = recall(h, k, l);
  if (found >= 0) return found;
  Guard *over = &h->guards[h->pieces[open].data];
  i32 count = kind < 0 ? over->states : 1;
  h->pairs = grown(h, h->pairs, h->npairs + 2L * count, 4);
  i32 *pairs = h->pairs + h->npairs;
  if (kind < 0) for (i32 s = 0; s < count; s++) pairs[2 * s] = pairs[2 * s + 1] = s;
  else { GuardEdge *by = &h->gedges[over->edges_at + edge]; pairs[0] = by->source; pairs[1] = by->target; }
  h->npairs += 2L * count;
  return keep(h, k, l, piece(h, (Piece){TOKEN, kind, (i32)(h->npairs - 2L * count), count, 1}));
}
/* A class that leads from a front over an open piece into another; a blank if it can be one. */
static void choose(Core *h, i32 front, i32 open, i32 after, i32 *edge, i32 *kind) {
  i32 edges = h->guards[h->pieces[open].data].edges;
  i64 size = (i64)edges * h->C;
  Mark m = mark(h);
  unsigned char *found = (unsigned char *)take(h, size / 4 + 1);
  memset(found, 0, (size_t)size);
  *edge = *kind = -1;
  if (!allowed(h, front, open, after, found)) {
    i64 at = 0;
    while (at < size && !found[at]) at++;
    *edge = (i32)(at / h->C); *kind = (i32)(at % h->C);
  }
  release(h, m);
}

/* One way through a sweep that passed every piece: chosen [n, 2] is (-2, -1) where a piece stands
 * as it is, (-1, -1) for a blank, or a guard's edge and a class. 1 where there is a way. */
EXPORT int core_read(Core *h, i32 n, i32 width, i32 uneven, const i32 *steps, const i32 *layers, const i32 *lows, i32 *chosen) {
  GUARDED(h)
  i32 size = width + 1, total = -1, after = EMPTY;
  for (i32 e = 0; e < size && !after; e++) { after = first(h, ended(h, layers[(i64)n * size + e])); total = lows[n] + e; }
  if (!after) return 0;
  for (i32 i = n - 1; i >= 0; i--) {
    i32 before = EMPTY, c = 0, open = -1, *choice = chosen + 2 * i;
    if (surcharged(steps, i, uneven)) total -= h->lasting[TOP(after, 0) % h->Q];
    for (; c < CHOICES && !before; c++) {
      i32 e = total - COSTS[c] - lows[i];
      open = steps[i * CHOICES + c];
      if (open >= 0 && e >= 0 && e < size) before = first(h, retreat(h, layers[(i64)i * size + e], open, after));
    }
    total -= COSTS[c - 1];
    choice[0] = -2; choice[1] = -1;
    if (h->pieces[open].kind == OPEN) {
      choose(h, before, open, after, &choice[0], &choice[1]);
      before = first(h, retreat(h, before, only(h, open, choice[0], choice[1]), after));
    }
    after = before;
  }
  return 1;
}

/* What of the layers from `start` on can be completed: rights [n + 1, width + 1]. */
EXPORT int core_rights(Core *h, i32 n, i32 start, i32 width, i32 uneven, const i32 *steps, const i32 *layers, const i32 *lows, i32 *rights) {
  GUARDED(h)
  i32 size = width + 1;
  for (i32 i = n; i >= start; i--)
    for (i32 e = 0; e < size; e++) {
      i32 front = layers[(i64)i * size + e], kept = i == n ? ended(h, front) : EMPTY;
      for (i32 c = 0; i < n && c < CHOICES; c++) {
        i32 to = lows[i] + e + COSTS[c] - lows[i + 1], piece = steps[i * CHOICES + c];
        const i32 *ahead = rights + (i64)(i + 1) * size;
        if (piece < 0 || to >= size) continue;
        i32 wanted = to < 0 ? EMPTY : ahead[to];
        if (surcharged(steps, i, uneven)) {
          wanted = inside(h, wanted, 0);
          if (to + 1 >= 0 && to + 1 < size) wanted = unite(h, wanted, inside(h, ahead[to + 1], 1));
        }
        kept = unite(h, kept, retreat(h, front, piece, wanted));
      }
      rights[(i64)i * size + e] = e ? unite(h, kept, rights[(i64)i * size + e - 1]) : kept;
    }
  return 0;
}
/* `allowed` at a place, its piece for nothing, over all layers. */
static int fits(Core *h, i32 at, i32 width, const i32 *steps, const i32 *layers, const i32 *lows, const i32 *rights, unsigned char *found) {
  int blank = 0;
  i32 size = width + 1;
  for (i32 e = 0; e < size; e++) {
    i32 to = lows[at] + e - lows[at + 1];
    if (to >= 0 && to < size) blank |= allowed(h, layers[(i64)at * size + e], steps[at * CHOICES], rights[(i64)(at + 1) * size + to], found);
  }
  return blank;
}
EXPORT int core_fits(Core *h, i32 at, i32 width, const i32 *steps, const i32 *layers, const i32 *lows, const i32 *rights, unsigned char *found) { GUARDED(h) return fits(h, at, width, steps, layers, lows, rights, found); }
/* The class of each token, -1 for none: kept as lists, or as bits where they are many. */
EXPORT int core_members(Core *h, i32 n, const i32 *classes) {
  GUARDED(h)
  h->words = (n + 31) / 32;
  h->member_at = grown(h, h->member_at, h->C + 2, 4);
  h->members = grown(h, h->members, n + 1, 4);
  h->bits_at = grown(h, h->bits_at, h->C, 4);
  memset(h->member_at, 0, (size_t)(h->C + 2) * 4);
  for (i32 t = 0; t < n; t++) if (classes[t] >= 0) h->member_at[classes[t] + 2]++;
  for (i32 c = 0; c <= h->C; c++) h->member_at[c + 1] += h->member_at[c];
  for (i32 t = 0; t < n; t++) if (classes[t] >= 0) h->members[h->member_at[classes[t] + 1]++] = t;
  i64 dense = 0;
  for (i32 c = 0; c < h->C; c++) h->bits_at[c] = 4 * (h->member_at[c + 1] - h->member_at[c]) > h->words ? (i32)dense++ : -1;
  h->bits = grown(h, h->bits, dense * h->words + 1, 4);
  memset(h->bits, 0, (size_t)(dense * h->words) * 4);
  for (i32 c = 0; c < h->C; c++) if (h->bits_at[c] >= 0) for (i32 m = h->member_at[c]; m < h->member_at[c + 1]; m++) h->bits[(i64)h->bits_at[c] * h->words + h->members[m] / 32] |= 1u << (h->members[m] % 32);
  return 0;
}
/* The tokens of the classes marked in [C] bytes, as bits. */
EXPORT int core_union(Core *h, const unsigned char *marked, u32 *out) {
  for (i32 c = 0; c < h->C; c++) {
    if (!marked[c]) continue;
    if (h->bits_at[c] >= 0) { const u32 *bits = h->bits + (i64)h->bits_at[c] * h->words; for (i32 w = 0; w < h->words; w++) out[w] |= bits[w]; }
    else for (i32 m = h->member_at[c]; m < h->member_at[c + 1]; m++) out[h->members[m] / 32] |= 1u << (h->members[m] % 32);
  }
  return 0;
}
/* Both, for a piece without a guard. */
EXPORT int core_mask(Core *h, i32 at, i32 width, const i32 *steps, const i32 *layers, const i32 *lows, const i32 *rights, u32 *out) {
  GUARDED(h)
  unsigned char *found = (unsigned char *)take(h, h->C / 4 + 1);
  memset(found, 0, (size_t)h->C);
  int blank = fits(h, at, width, steps, layers, lows, rights, found);
  core_union(h, found, out);
  return blank;
}
EXPORT void core_counts(Core *h, i64 *counts) { counts[0] = h->nsets; counts[1] = h->nitems; counts[2] = (i64)h->nmemo; counts[3] = h->nruns; }

EXPORT void core_free(Core *h) {
  if (!h) return;
  for (struct Block *b = h->old; b;) { struct Block *next = b->next; free(b->data); free(b); b = next; }
  for (i32 q = 0; h->from && q < h->Q; q++) if (h->from[q]) { Edges *e = h->from[q]; free(e->nodes); free(e->edges); free(e->kinds); free(e); }
  void *all[] = {h->sets, h->tops, h->belows, h->table, h->memo, h->spare, h->scratch, h->shift, h->red_at, h->reds, h->inside, h->useful, h->accepting, h->mode, h->lex, h->move_at, h->ways, h->end_at, h->ends,
                 h->sym_at, h->sym_terms, h->sym_column, h->sym_mode, h->run_parent, h->run_symbol, h->sample_at, h->samples, h->follow_of, h->follow_after, h->from, h->pieces, h->twin, h->units, h->lasting, h->links, h->shapes, h->items, h->shape_table, h->roots, h->seen, h->member_at, h->members, h->bits_at, h->bits,
                 h->guards, h->gedges, h->grows, h->texts, h->pairs};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  free(h);
}
