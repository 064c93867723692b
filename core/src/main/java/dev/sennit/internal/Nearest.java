package dev.sennit.internal;

import java.util.Collection;
import java.util.Optional;

/** Finds the word that somebody probably meant. */
public final class Nearest {
    private Nearest() {}

    /**
     * The candidate with the fewest edits; one that begins with the word counts as one edit away.
     *
     * @param word what was written
     * @param candidates what may have been meant
     * @return the candidate; empty if all are further away than a third of the word's length, or than 2 edits if that
     *     is more
     */
    public static Optional<String> to(String word, Collection<String> candidates) {
        String best = null;
        int fewest = Math.max(2, word.length() / 3) + 1;
        for (String candidate : candidates) {
            int edits = candidate.startsWith(word) && !word.isEmpty() ? 1 : edits(word, candidate);
            if (edits < fewest) {
                fewest = edits;
                best = candidate;
            }
        }
        return Optional.ofNullable(best);
    }

    /**
     * The nearest candidate as a message ends with it.
     *
     * @param word what was written
     * @param candidates what may have been meant
     * @return {@code "; did you mean WORD?"}, or nothing if no candidate is near
     */
    public static String hint(String word, Collection<String> candidates) {
        return to(word, candidates).map(meant -> "; did you mean " + meant + "?").orElse("");
    }

    /** Levenshtein's distance, one row at a time. */
    static int edits(String from, String to) {
        int[] row = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int substituted = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[to.length()];
    }
}
