package dev.sennit.examples.channels;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskScope;
import dev.sennit.loop.Actor;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** An account that many use at once, without a lock: only its actor touches the balance. */
public final class ActorBankAccount {
    private sealed interface Command {}

    private record Deposit(long amount) implements Command {}

    /** Is replied the new balance, or fails. */
    private record Withdraw(long amount, CompletableFuture<Long> reply) implements Command {}

    private static final class Account implements Actor.Handler<Command> {
        private long balance;

        @Override
        public void handle(Command command) {
            switch (command) {
                case Deposit deposit -> balance += deposit.amount;
                case Withdraw withdraw when withdraw.amount > balance ->
                    withdraw.reply.completeExceptionally(
                            new IllegalArgumentException("only " + balance + " left, wanted " + withdraw.amount));
                case Withdraw withdraw -> {
                    balance -= withdraw.amount;
                    withdraw.reply.complete(balance);
                }
            }
        }
    }

    private ActorBankAccount() {}

    public static void main(String[] arguments) throws Exception {
        try (Actor<Command> account = Actor.builder(new Account()).name("account").start()) {
            try (Pool pool = Pools.open("virtual");
                    var scope = TaskScope.open(pool)) {
                for (int i = 0; i < 100; i++) {
                    scope.fork(() -> {
                        account.tell(new Deposit(10));
                        return null;
                    });
                }
                scope.join();
            }
            CompletableFuture<Long> left = account.ask(reply -> new Withdraw(250, reply));
            System.out.println("left: " + left.get());
            CompletableFuture<Long> tooMuch = account.ask(reply -> new Withdraw(1_000, reply));
            try {
                tooMuch.get();
            } catch (ExecutionException e) {
                System.out.println("refused: " + e.getCause());
            }
        }
    }
}
