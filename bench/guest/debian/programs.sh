# Real programs with fixed work: prepare_all once, then `program NAME` prints a checksum of what NAME computed.
# The programs are in single quotes, and their variables are their own.
# shellcheck shell=bash disable=SC2016

readonly FOLDER=/tmp/programs

prepare_all() {
  mkdir -p $FOLDER
  cd $FOLDER || return 1
  # Text of pseudo-random words, the same everywhere: about 8 MB in 200,000 lines.
  mawk 'BEGIN {
    for (i = 0; i < 4000; i++) { word = ""; n = 2 + (i * 7919) % 9
      for (j = 0; j < n; j++) { s = (s * 69069 + 12345) % 4194304; word = word sprintf("%c", 97 + int(s / 64) % 26) }
      words[i] = word }
    for (line = 0; line < 200000; line++) { text = line
      for (j = 0; j < 5; j++) { s = (s * 69069 + 12345) % 4194304; text = text " " words[int(s / 64) % 4000] }
      print text } }' >text
  head -c 2000000 text >text2
  mawk 'BEGIN { print "#include <stdio.h>"
    for (i = 0; i < 120; i++) {
      printf "static int step%d(int *a, int n, int k) {\n  int s = %d;\n  for (int i = 1; i < n; i++) {\n", i, i
      printf "    if (a[i] > a[i - 1]) { int t = a[i]; a[i] = a[i - 1] + k; a[i - 1] = t; }\n"
      printf "    switch (a[i] & 7) { case 0: s += a[i] * %d; break; case 3: s ^= k << %d; break;\n", i + 3, i % 7
      printf "      case 5: s -= a[i - 1] / (k | 1); break; default: s += k; }\n  }\n  return s;\n}\n" }
    print "int main(void) {\n  int a[64], s = 0;\n  for (int i = 0; i < 64; i++) a[i] = i * 7919 % 101;"
    for (i = 0; i < 120; i++) printf "  s += step%d(a, 64, %d);\n", i, i
    print "  printf(\"%d\\n\", s);\n  return 0;\n}" }' >compiled.c
  cat >script.py <<'END'
import json, math
bodies = [[math.sin(i), math.sqrt(i), i / 7, 0.0, 0.0, 0.0] for i in range(1, 6)]
for _ in range(8000):
    for a in bodies:
        for b in bodies:
            if a is not b:
                d = [b[k] - a[k] for k in range(3)]
                f = 0.001 / (d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + 0.1)
                for k in range(3):
                    a[3 + k] += d[k] * f
    for a in bodies:
        for k in range(3):
            a[k] += a[3 + k] * 0.01
counts = {}
with open("text") as text:
    for word in text.read().split():
        counts[word] = counts.get(word, 0) + 1
print(round(bodies[0][0], 6), len(json.loads(json.dumps(counts))), sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:5])
END
  cat >script.pl <<'END'
open my $f, '<', 'text'; my (%count, $swaps);
while (<$f>) { for my $w (/([a-z]{3,})/g) { $count{$w}++; $swaps++ if $w =~ s/([aeiou])(.)\1/$2$1$2/; } }
my @top = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 9];
print "$swaps @top\n";
END
  cat >script.lua <<'END'
local function sieve(n) local p, c = {}, 0
  for i = 2, n do if not p[i] then c = c + 1; for j = i * i, n, i do p[j] = true end end end
  return c end
local s, t = 0, {}
for i = 1, 40000000 do s = (s * 31 + i) % 1000003 end
for i = 1, 300000 do t[#t + 1] = tostring(i % 977) end
print(sieve(2000000), s, #table.concat(t))
END
  mkdir -p tree repository
  split -l 500 text2 tree/part.
  seq 1 200000 | sed 's/.*/INSERT INTO t VALUES(&, &*7919 % 10007, "row &");/' | head -n 120000 >inserts
  gzip -n -1 -k -f text
}

# Each prints what it computed; program() reduces that to a checksum.

run_dash() { dash -c 'i=0; s=0; while [ $i -lt 400000 ]; do i=$((i + 1)); s=$(((s * 31 + i) % 65521)); case $s in *7) s=$((s + 1)) ;; esac; done; echo $s'; }
run_bash() {
  bash -c 'declare -A seen; for ((i = 0; i < 140000; i++)); do w=word$((i * 7919 % 10007)); (( seen[$w] += i )); done
    s=0; for w in "${!seen[@]}"; do ((s += ${seen[$w]} % 97)); done; echo ${#seen[@]} $s'
}
run_gcc() { gcc -O2 -o compiled compiled.c && ./compiled && objdump -d compiled | cksum; }
run_make() {
  for i in $(seq 1 32); do echo "int f$i(int x) { return x * $i; }" >"unit$i.c"; done
  printf 'all: %s\n%%.o: %%.c\n\tgcc -c -o $@ $<\n' "$(seq -s ' ' -f 'unit%g.o' 1 32)" >Makefile
  make -s -B && cat unit*.o | cksum
}
run_python3() { python3 script.py; }
run_perl() { perl script.pl; }
run_gawk() { gawk '{ for (i = 2; i <= NF; i++) { n[$i]++; s += length($i) * 0.5; t += index($i, "ab") } } END { print length(n), s, t }' text text; }
run_luajit() { luajit script.lua; }
run_gzip() { gzip -n -6 -c text | cksum; }
run_gunzip() { for _ in $(seq 1 7); do gunzip -c text.gz; done | cksum; }
run_xz() { head -c 2200000 text | xz -3 -T1 | cksum; }
run_zstd() { zstd -q -9 --single-thread -c text | cksum; }
run_bzip2() { bzip2 -c text | cksum; }
run_sqlite3() {
  { echo 'PRAGMA journal_mode=OFF; CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER, c TEXT); BEGIN;'
    cat inserts
    echo 'COMMIT; CREATE INDEX i ON t(b); SELECT count(*), sum(a), max(c) FROM t WHERE b BETWEEN 100 AND 5000;
      SELECT b % 10, avg(a), group_concat(substr(c, 1, 1)) FROM t GROUP BY b % 10 ORDER BY 2 LIMIT 3;'; } | sqlite3 :memory:
}
run_openssl() {
  head -c 200000000 /dev/zero | openssl enc -aes-256-ctr -K 01 -iv 02 2>/dev/null | openssl dgst -sha1
  head -c 60000000 /dev/zero | openssl enc -chacha20 -K 01 -iv 02 2>/dev/null | openssl dgst -sha3-256
}
run_sha256sum() { for _ in $(seq 1 20); do cat text; done | sha256sum; }
run_sort() { cat text text2 text2 | sort -k 3,3 -k 2,2r | cksum; }
run_grep() {
  grep -c -E '(a|e)[b-y]*(ing|ou|st)[a-z]* .*(qu|xy|z[aeiou])' text
  grep -c -i -E '([a-z])[0-9a-z]\1 ' text
}
run_sed() { sed -E 's/([a-z]+) ([a-z]+)/\2 \1/; s/[aeiou]{2,}/_/g' text text | cksum; }
run_tar() {
  for _ in $(seq 1 8); do tar -cf - --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C / usr/include usr/share/perl tmp/programs/tree; done | cksum
}
run_find() { for _ in $(seq 1 12); do find /usr/include /usr/share -xdev -type f -size +3 -name '*[aeiou]*'; done | wc -l; }
run_processes() { for i in $(seq 1 240); do echo "$i" | cat | tr 0-9 a-j; done | cksum; }
run_git() {
  rm -rf repository
  export GIT_AUTHOR_DATE='@0 +0000' GIT_COMMITTER_DATE='@0 +0000' HOME=$FOLDER
  git init -q -b main repository && cp -r tree repository/ && cd repository || return 1
  git config user.email bench@example.org && git config user.name bench && git config gc.auto 0
  git add . && git commit -q -m one && sed -i 's/a/b/g' tree/part.a* && git commit -q -a -m two
  git log -p | cksum
  git gc -q && git fsck 2>/dev/null
  git rev-parse HEAD
  cd ..
}

list_programs() { declare -F | sed -n 's/^declare -f run_//p'; }

program() { # program NAME
  cd $FOLDER || return 1
  local output
  output=$("run_$1" 2>&1)
  echo "CHECKSUM $1 $(echo "$output" | cksum | cut -d ' ' -f 1) ${#output}"
}
