package dev.sennit.adoption;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.adoption.OutsideProjects.Ended;

/** What the program of each project prints when its classes have gone to workers and come back. */
final class Sale {
    private static final String RECEIPTS =
            "[Receipt[order=Order[item=rope, count=3], cents=270], Receipt[order=Order[item=sail, "
                    + "count=2], cents=180]]";

    private Sale() {}

    static String printed() {
        return printed(RECEIPTS, "shop.SoldOut");
    }

    /** As another language, or another package, names its objects. */
    static String printed(String receipts, String failure) {
        return receipts + "\n300 from a worker\n" + failure + ": no rope left\n";
    }

    /** As {@link #printed()}, with a failure of another name. */
    static String printed(String failure) {
        return printed(RECEIPTS, failure);
    }

    /** The program has printed that, and nothing else: no warning, no trace. */
    static void isAllOf(Ended ended, String printed) {
        assertThat(ended.errors()).isEmpty();
        assertThat(ended.output()).isEqualTo(printed);
        assertThat(ended.exitCode()).isZero();
    }

    /** The program has printed that beside a banner or a log. */
    static void isIn(Ended ended, String printed) {
        assertThat(ended.output()).as("output, beside the errors %s", ended.errors()).contains(printed);
        assertThat(ended.errors()).isEmpty();
        assertThat(ended.exitCode()).isZero();
    }
}
