* Three numbers of the chapter "Its figures, checked", from the panel in Stata's form.
* 《综述的数据核对》一章的三个数字，由Stata格式的面板算出。
* Run it in the folder of nqpf-panel.dta (Stata 14 or later).
version 14
use province year rd_basic rd_expenditure using nqpf-panel.dta, clear
keep if year == 2023
generate byte east = inlist(province, 110000, 120000, 130000, 310000, 320000, 330000) ///
    | inlist(province, 350000, 370000, 440000, 460000)
egen double basic = total(rd_basic)
egen double all = total(rd_expenditure)
egen double eastern = total(rd_expenditure * east)
display "basic research, 100 million yuan 基础研究（亿元）: " %9.1f basic[1]
display "its share in R&D expenditure, % 占R&D经费: " %6.2f 100 * basic[1] / all[1]
display "share of the ten eastern provinces, % 东部十省份占比: " %5.1f 100 * eastern[1] / all[1]
