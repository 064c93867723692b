package shop;

import java.util.List;

public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Shop.sell(List.of(new Order("rope", 3), new Order("sail", 2)), 10);
    }
}
