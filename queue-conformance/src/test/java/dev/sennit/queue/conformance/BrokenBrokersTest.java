package dev.sennit.queue.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.conformance.BrokenBroker.Fault;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** The contract finds what is wrong with a broker. */
class BrokenBrokersTest {
    /** The broker with a fault, which {@link #run} sets. */
    public static final class Suite extends BrokerContract {
        private static volatile Fault fault = Fault.NONE;
        private VirtualClock clock = VirtualClock.standing(VirtualClock.START);
        private MemoryBroker first = new MemoryBroker(clock);

        @Override
        protected Broker open() {
            clock = VirtualClock.standing(VirtualClock.START);
            first = new MemoryBroker(clock);
            return BrokenBroker.of(first, fault);
        }

        @Override
        protected Broker again() {
            return BrokenBroker.of(first.again(), fault);
        }

        @Override
        protected Set<BrokerFeature> features() {
            return EnumSet.complementOf(EnumSet.of(BrokerFeature.DURABLE, BrokerFeature.SHARED));
        }

        @Override
        protected void pass(Duration time) {
            clock.advance(time);
        }
    }

    static Stream<Arguments> faults() {
        return Stream.of(Arguments.of(Fault.LOSES_LAST, "whoEnqueuesTheSameTasksAtOnceEnqueuesThemOnce"),
                Arguments.of(Fault.LAST_FIRST, "tasksBeginInTheOrderInWhichTheyCame"),
                Arguments.of(Fault.NO_PRIORITY, "theGreatestPriorityGoesFirst"),
                Arguments.of(Fault.NO_DELAY, "aDelayedTaskWaitsForItsTime"),
                Arguments.of(Fault.NO_EXPIRY, "aTaskThatIsNotBegunInTimeExpires"),
                Arguments.of(Fault.NO_UNIQUE, "aTaskThatIsUniqueRefusesOthersUntilItHasEnded"),
                Arguments.of(Fault.NO_UNIQUE, "ofUniqueTasksThatMeetOneIsKept"),
                Arguments.of(Fault.NO_KEY, "aKeyHasAtMostSoManyTasksUnderWay"),
                Arguments.of(Fault.NO_KEY, "keysTakeTurns"),
                Arguments.of(Fault.NO_CALLBACKS, "aTaskThatDoesNotSucceedHasItsCallbacksEnqueued"),
                Arguments.of(Fault.NO_FENCING, "theOldTokenIsRefused"),
                Arguments.of(Fault.CLAIMS_TWICE, "aTaskIsClaimedOnce"),
                Arguments.of(Fault.FORGETS_CHECKPOINT, "aTaskThatIsGivenBackCountsNothingAndKeepsItsCheckpoint"),
                Arguments.of(Fault.MIXES_INPUTS, "theTaskAfterAChordGetsAllResultsByTheirIndex"),
                Arguments.of(Fault.COUNTS_GIVE_BACK, "aTaskThatIsGivenBackCountsNothingAndKeepsItsCheckpoint"),
                Arguments.of(Fault.CRASH_IS_FAILURE, "aCrashThatTheWorkerTellsCountsLikeALostWorker"),
                Arguments.of(Fault.SUCCESSORS_APART, "aRefusedCompletionHasNoSuccessors"),
                Arguments.of(Fault.SUCCESSORS_APART, "aRepeatedCompletionIsAcceptedAndChangesNothing"),
                Arguments.of(Fault.QUIET_CANCEL, "aTaskThatRunsIsToldToStop"),
                Arguments.of(Fault.OWN_PAUSE, "tasksOfAPausedQueueOrTypeStay"),
                Arguments.of(Fault.OWN_PAUSE, "aPauseHoldsForAllBrokerObjects"),
                Arguments.of(Fault.NO_RATE, "tasksOfATypeBeginEvenly"),
                Arguments.of(Fault.FIRES_TWICE, "aScheduleFiresEachDueTimeOnce"),
                Arguments.of(Fault.FIRES_TWICE, "schedulersThatMeetFireOnce"),
                Arguments.of(Fault.IGNORES_PAUSED_SCHEDULE, "aPausedScheduleDoesNotFire"),
                Arguments.of(Fault.CALLS_CLOSED, "aListenerThatIsClosedIsNotCalledAnyMore"),
                Arguments.of(Fault.CLAIMS_MORE_FEATURES, "theBrokerHasANameAndItsFeatures"),
                Arguments.of(Fault.OPEN_AFTER_CLOSE, "aClosedBrokerRefusesEverything"),
                Arguments.of(Fault.NO_EVENTS, "eventsTellWhatHappensToTasks"),
                Arguments.of(Fault.OLD_PAYLOAD, "deadTasksAreReplayedAsIfTheyWereNew"),
                Arguments.of(Fault.NO_TEXT, "tasksAreFoundByAllThatAFilterSays"),
                Arguments.of(Fault.FORGETS_SCHEDULE_HISTORY, "aReplacedScheduleKnowsWhatItHasFired"),
                Arguments.of(Fault.TAKES_BACK_CHANGES, "aChangeTakesBackNoOtherChange"));
    }

    private static TestExecutionSummary run(Fault fault, String test) throws Exception {
        var listener = new SummaryGeneratingListener();
        Suite.fault = fault;
        var request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectMethod(Suite.class, Suite.class.getMethod(test))).build();
        LauncherFactory.create().execute(request, listener);
        assertThat(listener.getSummary().getTestsStartedCount()).isOne();
        return listener.getSummary();
    }

    @ParameterizedTest
    @MethodSource("faults")
    void aFaultIsFound(Fault fault, String test) throws Exception {
        assertThat(run(Fault.NONE, test).getTestsSucceededCount()).as("without the fault").isOne();
        List<TestExecutionSummary.Failure> failures = run(fault, test).getFailures();
        assertThat(failures).hasSize(1);
        assertThat(failures.getFirst().getException()).isInstanceOf(AssertionError.class);
    }

    @Test
    void eachFaultHasATest() {
        Set<Object> tested = new HashSet<>();
        faults().forEach(one -> tested.add(one.get()[0]));
        assertThat(tested).hasSize(Arrays.asList(Fault.values()).size() - 1).doesNotContain(Fault.NONE);
    }
}
