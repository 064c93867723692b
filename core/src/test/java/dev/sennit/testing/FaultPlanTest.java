package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.testing.FaultPlan.Chunk;
import dev.sennit.testing.FaultPlan.Fault;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FaultPlanTest {
    private static final Map<Fault, Double> SOME =
            Map.of(Fault.CUT, 0.01, Fault.GARBLE, 0.1, Fault.DUPLICATE, 0.2, Fault.DELAY, 0.05);

    private static List<Chunk> chunks(long seed, long connection, boolean toServer, Map<Fault, Double> chances) {
        var plan = new FaultPlan(seed, connection, toServer, chances, 100);
        return Stream.generate(plan::next).limit(10_000).toList();
    }

    @Test
    void theSameSeedPlansTheSame() {
        assertThat(chunks(1, 0, true, SOME)).isEqualTo(chunks(1, 0, true, SOME));
    }

    @Test
    void seedsConnectionsAndDirectionsDiffer() {
        assertThat(Stream.of(
                chunks(1, 0, true, SOME), chunks(1, 0, false, SOME), chunks(1, 1, true, SOME),
                chunks(1, 1, false, SOME), chunks(2, 0, true, SOME), chunks(-1, 0, true, SOME)))
                .doesNotHaveDuplicates();
    }

    @Test
    void faultsComeAsOftenAsTheirChances() {
        List<Chunk> chunks = chunks(7, 3, true, SOME);
        for (Fault fault : Fault.values()) {
            long count = chunks.stream().filter(chunk -> chunk.fault() == fault).count();
            double expected = SOME.getOrDefault(fault, 0.0) * chunks.size();
            assertThat((double) count).as("%s", fault).isBetween(expected * 0.8, expected * 1.2);
        }
    }

    @Test
    void whatHappensToAChunkDoesNotMoveTheOthers() {
        List<Chunk> calm = chunks(7, 3, true, Map.of());
        List<Chunk> wild = chunks(7, 3, true, Map.of(Fault.DUPLICATE, 1.0));
        assertThat(calm).allMatch(chunk -> chunk.fault() == null);
        assertThat(wild).allMatch(chunk -> chunk.fault() == Fault.DUPLICATE);
        assertThat(wild).extracting(Chunk::length).isEqualTo(calm.stream().map(Chunk::length).toList());
        assertThat(wild).allMatch(chunk -> chunk.length() >= 1 && chunk.length() <= 100);
        assertThat(wild).allMatch(chunk -> chunk.place() >= 0 && chunk.place() < chunk.length());
        assertThat(wild).allMatch(chunk -> chunk.share() >= 0 && chunk.share() < 1);
    }

    @Test
    void aConnectionIsRefusedByItsNumberAndTheSeed() {
        List<Boolean> refused = Stream.iterate(0L, number -> number + 1)
                .map(number -> FaultPlan.refuses(5, number, 0.3)).limit(1000).toList();
        assertThat(refused)
                .isEqualTo(Stream.iterate(0L, number -> number + 1)
                        .map(number -> FaultPlan.refuses(5, number, 0.3)).limit(1000).toList());
        assertThat(refused.stream().filter(each -> each).count()).isBetween(240L, 360L);
        assertThat(FaultPlan.refuses(5, 0, 0)).isFalse();
        assertThat(FaultPlan.refuses(5, 0, 1)).isTrue();
    }

    @Test
    void settingsThatMakeNoSenseAreRefused() {
        FaultProxy.Builder proxy = FaultProxy.to("127.0.0.1", 1);
        assertThatThrownBy(() -> proxy.cut(1.5)).hasMessage("the chance of cut must be from 0 to 1, was 1.5");
        assertThatThrownBy(() -> proxy.refuse(Double.NaN))
                .hasMessage("the chance of refuse must be from 0 to 1, was NaN");
        assertThatThrownBy(() -> proxy.delay(0.5, Duration.ZERO)).hasMessage("delay must be > 0, was 0 us");
        assertThatThrownBy(() -> proxy.cut(0.6).halve(0.5))
                .hasMessage("the chances for a chunk must be <= 1 together, were 1.1");
        assertThatThrownBy(() -> proxy.chunk(0)).hasMessage("chunk must be >= 1, was 0");
        assertThatThrownBy(() -> FaultProxy.to("127.0.0.1", 0)).hasMessage("port must be from 1 to 65535, was 0");
        assertThatThrownBy(() -> FaultProxy.to("192.0.2.1", 80)).hasMessage(
                "host must be a loopback address, as faults are for servers of this machine, was 192.0.2.1");
    }
}
