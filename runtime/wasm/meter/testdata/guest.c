// A scanner of JSON without a library, for the rewriter's benchmarks: what C, Rust and AssemblyScript make of loops over bytes.
static char buffer[1 << 16], out[1 << 16];
__attribute__((export_name("buffer"))) char *at(void) { return buffer; }

static char *text(char *p, char *e) {
	for (p++; p < e; p++) {
		if (*p == '\\') p++;
		else if (*p == '"') return p + 1;
	}
	return p;
}

__attribute__((noinline)) static unsigned hash(char *p, char *q) {
	unsigned h = 2166136261u;
	for (; p < q; p++) h = (h ^ (unsigned char)*p) * 16777619u;
	return h;
}

__attribute__((export_name("run"))) int run(int n) {
	char *p = buffer, *e = buffer + n, *o = out;
	int depth = 0, tokens = 0;
	long long sum = 0;
	unsigned h = 0;
	while (p < e) {
		char c = *p;
		if (c == ' ' || c == '\n' || c == '\t') { p++; continue; }
		tokens++;
		if (c == '"') {
			char *q = text(p, e);
			h ^= hash(p + 1, q - 1);
			__builtin_memcpy(o, p, q - p);
			o += q - p;
			p = q;
		} else if (c == '{' || c == '[') { depth++; p++; }
		else if (c == '}' || c == ']') { depth--; p++; }
		else if (c >= '0' && c <= '9') {
			long long v = 0;
			while (p < e && *p >= '0' && *p <= '9') v = v * 10 + (*p++ - '0');
			sum += v;
		} else p++;
	}
	return tokens + (int)sum + (int)(h & 0x7fffff) + depth;
}
