package dev.sennit.examples.retries;

import dev.sennit.Retry;
import dev.sennit.RetryCondition;
import dev.sennit.TryAgainException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;

/** Says what is worth another attempt: some exceptions, some values, or whatever the body asks it for. */
public final class RetryConditions {
    private RetryConditions() {}

    public static void main(String[] arguments) throws Exception {
        RetryCondition unlucky = RetryCondition.onException(IOException.class)
                .and(RetryCondition.onException(FileNotFoundException.class).not())
                .or(RetryCondition.onResult(Integer.class, status -> status >= 500));
        Retry retry = Retry.attempts(5).when(unlucky);

        Queue<Object> answers = new ArrayDeque<>(List.of(503, new IOException("reset"), 200));
        System.out.println("status: " + retry.call(() -> next(answers)));

        Queue<Object> missing =
                new ArrayDeque<>(List.of(new IOException("reset"), new FileNotFoundException("gone"), 200));
        try {
            retry.call(() -> next(missing));
        } catch (FileNotFoundException e) {
            System.out.println("at once: " + e.getMessage() + ", before it: " + e.getSuppressed()[0].getMessage());
        }

        Queue<Object> states = new ArrayDeque<>(List.of("pending", "pending", "ready"));
        System.out.println("state: " + retry.call(() -> {
            Object state = next(states);
            if (state.equals("pending")) {
                throw new TryAgainException("still pending");
            }
            return state;
        }));
    }

    private static Object next(Queue<Object> answers) throws IOException {
        Object answer = answers.remove();
        if (answer instanceof IOException failure) {
            throw failure;
        }
        return answer;
    }
}
