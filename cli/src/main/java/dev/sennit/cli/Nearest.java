package dev.sennit.cli;

import java.util.Collection;

/** Finds the word that somebody probably meant. */
final class Nearest {
    private Nearest() {}

    /** {@code "; did you mean WORD?"} for the candidate with few enough edits, or nothing. */
    static String hint(String word, Collection<String> candidates) {
        String best = null;
        int fewest = Math.max(2, word.length() / 3) + 1;
        for (String candidate : candidates) {
            int edits = edits(word, candidate);
            if (edits < fewest) {
                fewest = edits;
                best = candidate;
            }
        }
        return best == null ? "" : "; did you mean " + best + "?";
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
