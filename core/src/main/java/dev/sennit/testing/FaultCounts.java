package dev.sennit.testing;

/**
 * The counts of a {@link FaultProxy} so far. Faults count that it was asked for as well as those it drew.
 *
 * @param connections accepted, the refused ones included
 * @param refused connections that it ended before they had a server
 * @param cut connections that it reset, the halved ones not included
 * @param halved chunks of which the second half never came, as their connections were reset
 * @param duplicated chunks that came twice
 * @param garbled bytes that came as others
 * @param delayed chunks that came late
 * @param standstills times that a connection, or all of them, stood still
 * @param bytes that it passed on, in both directions
 */
public record FaultCounts(
        long connections,
        long refused,
        long cut,
        long halved,
        long duplicated,
        long garbled,
        long delayed,
        long standstills,
        long bytes) {
    /**
     * How many faults there were.
     *
     * @return the sum of all counts but those of connections and bytes
     */
    public long faults() {
        return refused + cut + halved + duplicated + garbled + delayed + standstills;
    }
}
