/** Proves that a kind of pool keeps the contract of pools: {@link dev.sennit.conformance.PoolContract}. */
module dev.sennit.conformance {
    requires transitive dev.sennit;
    requires transitive org.junit.jupiter.api;
    requires org.assertj.core;
    requires static org.jspecify;

    exports dev.sennit.conformance;
}
