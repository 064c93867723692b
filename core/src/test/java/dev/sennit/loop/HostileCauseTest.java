package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What ended something is told, also when it cannot tell of itself. */
@Timeout(60)
class HostileCauseTest {
    private static final class Hostile extends RuntimeException {
        private static final long serialVersionUID = 1;

        @Override
        public String toString() {
            throw new UnsupportedOperationException("toString");
        }
    }

    private final Hostile hostile = new Hostile();

    private void assertHasIt(Throwable thrown, Class<? extends Throwable> type) {
        assertThat(thrown.getClass()).isEqualTo(type);
        assertThat(thrown.getCause() == hostile).isTrue();
    }

    @Test
    void aChannelTellsIt() {
        var channel = new Channel<Integer>(1);
        channel.close(hostile);
        assertHasIt(catchThrowable(channel::receive), ChannelClosedException.class);
        assertHasIt(catchThrowable(() -> channel.trySend(1)), ChannelClosedException.class);
    }

    @Test
    void anActorTellsIt() throws Exception {
        var asked = new CompletableFuture<CompletableFuture<Integer>>();
        Actor<CompletableFuture<Integer>> actor = Actor.start(reply -> {
            asked.get();
            throw hostile;
        });
        CompletableFuture<Integer> first = actor.ask(reply -> reply);
        CompletableFuture<Integer> second = actor.ask(reply -> reply);
        asked.complete(second);
        actor.close();

        assertHasIt(catchThrowable(first::get), ExecutionException.class);
        Throwable refused = catchThrowable(second::get).getCause();
        assertHasIt(refused, ActorClosedException.class);
        assertHasIt(catchThrowable(() -> actor.tryTell(new CompletableFuture<>())), ActorClosedException.class);
        assertThat(actor.ended().exceptionNow() == hostile).isTrue();
    }

    @Test
    void aLoopTellsIt() {
        assertHasIt(
                catchThrowable(() -> EventLoop.run(() -> {
                    throw hostile;
                })),
                CompletionException.class);
    }
}
