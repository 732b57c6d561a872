# Three numbers of the chapter "Its figures, checked", from the panel in Stata's form.
# 《综述的数据核对》一章的三个数字，由Stata格式的面板算出。
# Run it in the folder of nqpf-panel.dta; install.packages("haven") once.
library(haven)

rows <- subset(read_dta("nqpf-panel.dta"), year == 2023)
east <- c(110000, 120000, 130000, 310000, 320000, 330000, 350000, 370000, 440000, 460000)
all <- sum(rows$rd_expenditure)
basic <- sum(rows$rd_basic)
eastern <- sum(rows$rd_expenditure[rows$province %in% east])
cat(sprintf("basic research, 100 million yuan 基础研究（亿元）: %.1f\n", basic))
cat(sprintf("its share in R&D expenditure, %% 占R&D经费: %.2f\n", 100 * basic / all))
cat(sprintf("share of the ten eastern provinces, %% 东部十省份占比: %.1f\n", 100 * eastern / all))
