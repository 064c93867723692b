package sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import dev.sennit.conformance.PoolContract;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/** The contract finds what is wrong with a kind of pool, and says what. */
class BrokenKindsTest {
    /** The kind with a fault, which {@link #failures} sets. */
    public static final class Suite extends PoolContract {
        private static volatile FreshPool.Fault fault = FreshPool.Fault.NONE;

        @Override
        protected String plan(int workers) {
            return "fresh?fault=" + fault;
        }

        @Override
        protected boolean unlimited() {
            return true;
        }

        @Override
        protected boolean knowsCpuTime() {
            return false;
        }

        /** A pool that never ends is waited for in vain; others may take their time beside other tests. */
        @Override
        protected long bound() {
            return fault == FreshPool.Fault.NO_RELEASE ? 1 : super.bound();
        }
    }

    /** Runs one test of the contract on a kind with a fault, and returns the messages of its failures. */
    private static List<String> failures(FreshPool.Fault fault, String test) throws Exception {
        var listener = new SummaryGeneratingListener();
        Suite.fault = fault;
        LauncherFactory.create()
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(selectMethod(Suite.class, Suite.class.getMethod(test)))
                                .build(),
                        listener);
        assertThat(listener.getSummary().getTestsStartedCount()).isEqualTo(1);
        return listener.getSummary().getFailures().stream().map(failure -> failure.getException().toString()).toList();
    }

    private static void assertFinds(FreshPool.Fault fault, String test, String... words) throws Exception {
        assertThat(failures(FreshPool.Fault.NONE, test)).as("without the fault").isEmpty();
        assertThat(failures(fault, test)).singleElement().asString().contains(words);
    }

    @Test
    void aTaskInTheWrongThread() throws Exception {
        assertFinds(FreshPool.Fault.IN_CALLER, "tasksRunWhereTheKindSays", "to start with", "where-");
    }

    @Test
    void threadsWithoutThePoolsName() throws Exception {
        assertFinds(FreshPool.Fault.NO_NAME, "tasksRunWhereTheKindSays", "thread", "to start with");
    }

    @Test
    void workersThatAreNotCounted() throws Exception {
        assertFinds(FreshPool.Fault.NO_COUNT, "theFiguresSayWhatRunsAndWhatWaits", "expected: 3", "but was: 0");
    }

    @Test
    void tasksThatShutdownNowDoesNotHearOf() throws Exception {
        assertFinds(FreshPool.Fault.NO_HELD, "shutdownNowCancelsWhatRunsAndReturnsWhatHadNotBegun", "Incomplete");
    }

    @Test
    void aPoolThatNeverEnds() throws Exception {
        assertFinds(FreshPool.Fault.NO_RELEASE, "tasksRunWhereTheKindSays", "terminates");
    }

    @Test
    void anOptionThatNobodyKnows() throws Exception {
        assertFinds(FreshPool.Fault.ANY_OPTION, "aPlanWithABadOptionIsRefusedInOneLineThatNamesIt",
                "to raise a throwable");
    }
}
